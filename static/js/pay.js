// Paying a top-up from a wallet of this browser: <section data-pay> has a button per wallet and the words for every state
// (templates/credit/top_up_pay.html). What is to be paid stands on the live section that says where the top-up stands.

import { accountOf, approved, Declined, discover, explained, siteNetworks } from "./wallet_kinds.js";

const box = document.querySelector("[data-pay]");
const { kind, asset, treasury, linked, report, csrf } = box.dataset;
const part = (name) => box.querySelector(`[data-pay-${name}]`);
const [list, words] = [part("wallets"), part("words")];
const status = () => document.querySelector("#top-up-status");
const wallets = new Set();
let paid = ""; // the units that a wallet has sent: a second click must not send them again
let isBusy = false;

discover((wallet) => {
  if (wallet.kind !== kind || wallets.has(wallet.id)) return;
  wallets.add(wallet.id);
  list.append(entry(wallet));
  box.hidden = false;
});

function entry(wallet) {
  const item = list.querySelector("template").content.firstElementChild.cloneNode(true);
  item.querySelector("[data-name]").textContent = wallet.name;
  item.addEventListener("click", () => use(wallet));
  return item;
}

async function use(wallet) {
  const { units } = status().dataset;
  if (isBusy) return;
  if (units === paid) return say("sent", wallet);
  isBusy = true;
  say("asking", wallet);
  try {
    const hash = await PAY[kind](wallet, units);
    paid = units;
    say((await told(hash)) ? "sent" : "untold", wallet, hash);
  } catch (error) {
    const { state, detail } = explained(error);
    say(state, wallet, detail);
  }
  isBusy = false;
}

/** The site looks for it now; where it cannot be told, the person can: the hash is in the form already. */
async function told(hash) {
  const body = new URLSearchParams({ csrfmiddlewaretoken: csrf, transaction: hash });
  const answer = await fetch(report, { method: "POST", body }).catch(() => null);
  if (answer?.ok) status().dispatchEvent(new CustomEvent("live-refresh"));
  else document.querySelector("#id_transaction").value = hash;
  return answer?.ok;
}

const PAY = { evm: payEvm, aptos: payAptos };

/** The wallet asks the person to change the network, where it can; some answer before they have. */
async function moved({ requireNetwork }) {
  try {
    await requireNetwork();
  } catch (declined) {
    if (!declined.change) throw declined;
    await declined.change();
    await requireNetwork();
  }
}

/** Empty `linked`: any wallet may pay. */
function requireLinked(address) {
  const known = linked.split(" ").filter(Boolean);
  if (known.length && !known.some((other) => other.toLowerCase() === address.toLowerCase())) throw new Declined("stranger", { detail: `${address.slice(0, 6)}…${address.slice(-4)}` });
}

// EVM ------------------------------------------------------------------------------------------------------------------

const TRANSFER = "a9059cbb"; // transfer(address,uint256)
const word = (hex) => hex.padStart(64, "0");

async function payEvm(wallet, units) {
  const from = await accountOf(wallet.provider);
  requireLinked(from);
  await moved(wallet);
  const data = `0x${TRANSFER}${word(treasury.slice(2).toLowerCase())}${word(BigInt(units).toString(16))}`;
  const transaction = { from, to: asset, value: "0x0", data, chainId: siteNetworks().evm.chainId };
  return wallet.provider.request({ method: "eth_sendTransaction", params: [transaction] });
}

// Aptos ----------------------------------------------------------------------------------------------------------------

async function payAptos(wallet, units) {
  const { features } = wallet;
  const submitting = features["aptos:signAndSubmitTransaction"];
  if (!submitting) throw new Declined("unable");
  const { address } = approved(await features["aptos:connect"].connect());
  requireLinked(address.toStringLong?.() ?? address.toString());
  await moved(wallet);
  const payload = {
    function: "0x1::primary_fungible_store::transfer",
    typeArguments: ["0x1::fungible_asset::Metadata"],
    functionArguments: [asset, treasury, units],
  };
  return approved(await submitting.signAndSubmitTransaction({ payload })).hash;
}

// Words ----------------------------------------------------------------------------------------------------------------

function say(state, wallet, detail = "") {
  words.replaceChildren(box.querySelector(`[data-pay-says="${state}"]`).content.cloneNode(true));
  for (const place of words.querySelectorAll("[data-name]")) place.textContent = wallet.name;
  for (const place of words.querySelectorAll("[data-detail]")) place.textContent = detail;
  words.dataset.state = state;
}
