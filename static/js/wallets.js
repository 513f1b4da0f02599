// Signing in with a wallet, linking one, confirming with one: <section data-wallets> holds the button, the dialog with the wallets
// of this browser, and the words for every state (templates/users/wallets.html).

import { Declined, discover, explained, siteNetworks } from "./wallet_kinds.js";

const box = document.querySelector("[data-wallets]");
const part = (name) => box.querySelector(`[data-wallet-${name}]`);
const [opener, choose, list, panel, verbs] = ["open", "choose", "list", "state", "verbs"].map(part);
const dialog = box.querySelector("dialog");
const networks = siteNetworks();
const token = box.querySelector("[name=csrfmiddlewaretoken]").value;
const wallets = new Map();
const NETWORKS = { aptos: `Aptos ${networks.aptos}`, evm: networks.evm.chainName };
let chosen = null; // {wallet, change}: change() moves it to the site's network, where it can

discover((wallet) => {
  if (wallets.has(wallet.id)) return;
  const item = entry(wallet);
  wallets.set(wallet.id, { wallet, item });
  part("none").hidden = true;
  list.append(item);
  if (dialog.open) showPlace(item, wallet);
  for (const offer of box.querySelectorAll("[data-wallet-offer]")) if (wallet.name.startsWith(offer.dataset.walletOffer)) offer.parentElement.hidden = true;
});

function entry(wallet) {
  const item = list.querySelector("template").content.firstElementChild.cloneNode(true);
  item.querySelector("[data-name]").textContent = wallet.name;
  item.querySelector("[data-kind]").textContent = NETWORKS[wallet.kind];
  const icon = item.querySelector("img");
  if (wallet.icon) icon.src = wallet.icon;
  item.querySelector(wallet.icon ? ".persona-icon" : "img").remove();
  item.querySelector("button").addEventListener("click", () => use(wallet));
  return item;
}

/** Its badge: whether it is on the site's network, as far as it tells that before it is asked to connect. */
async function showPlace(item, wallet) {
  const declined = await wallet.requireNetwork().catch((error) => error);
  const isElsewhere = declined?.state === "network";
  item.querySelector("[data-ready]").hidden = isElsewhere;
  item.querySelector("[data-elsewhere]").hidden = !isElsewhere;
  item.querySelector("[data-place]").textContent = isElsewhere ? declined.detail : "";
}

// On a phone wallets have browsers of their own: this page is opened there.
if (/Android|iPhone|iPad/.test(navigator.userAgent)) {
  for (const offer of box.querySelectorAll("[data-phone]")) {
    const isPetra = offer.dataset.walletOffer === "Petra";
    offer.href = offer.dataset.phone + (isPetra ? encodeURIComponent(location.href) : location.host + location.pathname);
  }
}

opener.addEventListener("click", () => {
  showChoice();
  dialog.showModal();
});
dialog.addEventListener("close", () => (chosen = null));

const acts = {
  other: showChoice,
  again: () => use(chosen.wallet),
  change: () => use(chosen.wallet, chosen.change),
};
verbs.addEventListener("click", ({ target }) => acts[target.closest("[data-wallet-verb]")?.dataset.walletVerb]?.());

function showChoice() {
  chosen = null;
  [choose.hidden, panel.hidden, verbs.hidden] = [false, true, true];
  for (const { item, wallet } of wallets.values()) showPlace(item, wallet);
}

/** One attempt; what comes after the dialog was closed, or another wallet chosen, changes nothing. */
async function use(wallet, first = null) {
  const mine = (chosen = { wallet, change: null });
  const show = (state, detail) => mine === chosen && say(state, wallet, detail);
  show("asking");
  try {
    await first?.();
    const proof = await wallet.sign(challenge);
    if (mine !== chosen) return;
    show("checking");
    const { next } = await post(box.dataset.answer, proof);
    show("done");
    location.assign(next);
  } catch (error) {
    const declined = explained(error);
    mine.change = declined.change;
    show(declined.state, declined.detail);
  }
}

const challenge = (form, more = {}) => post(box.dataset.challenge, { form, purpose: box.dataset.purpose, next: box.dataset.next, ...more });

/** The server's answer; its refusals are words for people. */
async function post(url, body) {
  const headers = { "Content-Type": "application/json", "X-CSRFToken": token, Accept: "application/json" };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) }).catch(() => null);
  const said = await response?.json().catch(() => ({}));
  if (!response?.ok) throw new Declined("refused", { detail: said?.words ?? "The site did not answer. Try again in a minute." });
  return said;
}

function say(state, wallet, detail = "") {
  const words = box.querySelector(`[data-wallet-words="${state}"]`);
  panel.replaceChildren(words.content.cloneNode(true));
  for (const place of panel.querySelectorAll("[data-wallet-name]")) place.textContent = wallet.name;
  for (const place of panel.querySelectorAll("[data-wallet-detail]")) place.textContent = detail;
  for (const place of box.querySelectorAll("[data-wallet-network]")) place.textContent = NETWORKS[wallet.kind];
  panel.dataset.state = state;
  [choose.hidden, panel.hidden] = [true, false];
  showVerbs(words.dataset.verbs?.split(" ") ?? []);
}

/** Where the wallet can change its network itself, that stands in the place of "Try again". */
function showVerbs(wanted) {
  const shown = wanted.filter((verb) => verb !== (chosen.change ? "again" : "change"));
  for (const button of verbs.children) button.hidden = !shown.includes(button.dataset.walletVerb);
  verbs.hidden = !shown.length;
  (verbs.querySelector(".button-primary:not([hidden])") ?? panel).focus();
}
