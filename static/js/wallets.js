// Signing in with a wallet, or linking one: <section data-wallets> holds the buttons, a list and a line that says what happens.

import { Declined, discover } from "./wallet_kinds.js";

const box = document.querySelector("[data-wallets]");
const list = box.querySelector("[data-wallet-list]");
const words = box.querySelector("[data-wallet-words]");
const petra = box.querySelector("[data-wallet-petra]");
const token = box.querySelector("[name=csrfmiddlewaretoken]").value;
const wallets = new Map();

discover((wallet) => {
  if (wallets.has(wallet.id) || (wallet.network === "aptos" && !petra)) return;
  wallets.set(wallet.id, wallet);
  box.querySelector("[data-wallet-none]").hidden = true;
  list.append(entry(wallet));
});

function entry(wallet) {
  const item = list.querySelector("template").content.firstElementChild.cloneNode(true);
  item.querySelector("[data-name]").textContent = wallet.name;
  item.querySelector("[data-kind]").textContent = wallet.network === "aptos" ? box.dataset.aptosNetwork : "EVM";
  const icon = item.querySelector("img");
  if (wallet.icon) icon.src = wallet.icon;
  else icon.remove();
  item.querySelector("button").addEventListener("click", () => use(wallet));
  return item;
}

const find = (name) => [...wallets.values()].find((wallet) => wallet.network === "aptos" && wallet.name.startsWith(name));

petra?.addEventListener("click", () => {
  const wallet = find("Petra");
  if (wallet) return use(wallet);
  if (/Android|iPhone|iPad/.test(navigator.userAgent)) return location.assign(`https://petra.app/explore?link=${encodeURIComponent(location.href)}`);
  say("Petra is not in this browser. Install it from petra.app, reload this page and try again.", "warn");
});

async function use(wallet) {
  box.querySelector("dialog").close();
  busy(true);
  say(`Open ${wallet.name}: it asks for your signature. That is free and moves no money.`, "");
  try {
    const { next } = await post(box.dataset.answer, await wallet.sign(challenge));
    say("Done.", "ok");
    location.assign(next);
  } catch (error) {
    busy(false);
    say(error instanceof Declined ? error.message : `${wallet.name} could not sign: ${error.message ?? error}`, "warn");
  }
}

const challenge = (form, more = {}) => post(box.dataset.challenge, { form, purpose: box.dataset.purpose, next: box.dataset.next, ...more });

/** The server's answer; its refusals are words for people. */
async function post(url, body) {
  const headers = { "Content-Type": "application/json", "X-CSRFToken": token, Accept: "application/json" };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  const said = await response.json().catch(() => ({}));
  if (!response.ok) throw new Declined(said.words ?? "The site did not answer. Try again in a minute.");
  return said;
}

function say(text, tone) {
  words.textContent = text;
  words.dataset.tone = tone;
}

function busy(is) {
  for (const button of box.querySelectorAll("button")) button.disabled = is;
  box.setAttribute("aria-busy", String(is));
}
