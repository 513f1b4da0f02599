// Wallets of a test, injected into the page: a Petra-like one that announces itself by AIP-62 and signs with the Aptos SDK's keys,
// and an EVM one that announces itself by EIP-6963. `window.testWallets` says which there are and how they behave; a test may
// change that later: testWallets.petra.rejects = false. What they send goes through functions that the test has given the page:
// sendOnEvm(transaction) and sendOnAptos(seed, payload), each answers with the hash.

import { Account, Ed25519PrivateKey } from "@aptos-labs/ts-sdk";
import { secp256k1 } from "@noble/curves/secp256k1";
import { keccak_256, sha3_256 } from "@noble/hashes/sha3";

const ICON = "data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCAzNiAzNiI+PHJlY3Qgd2lkdGg9IjM2IiBoZWlnaHQ9IjM2IiByeD0iMTAiIGZpbGw9IiMwMDZjZmYiLz48L3N2Zz4=";
const NAMES = { 1: "Mainnet", 2: "Testnet" };
const utf8 = (text) => new TextEncoder().encode(text);
const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const bytesOf = (text) => Uint8Array.from(text.slice(2).match(/../g), (digits) => parseInt(digits, 16));
const keyOf = ({ seed }) => new Uint8Array(32).fill(seed);
const rejected = { status: "Rejected" };
const approved = (args) => ({ status: "Approved", args });

// Aptos ----------------------------------------------------------------------------------------------------------------

/** Signs what @aptos-labs/siwa 0.4.0 writes; the fields in its order. */
function siwaText(input) {
  const fields = [["URI", input.uri], ["Version", input.version], ["Nonce", input.nonce], ["Issued At", input.issuedAt], ["Expiration Time", input.expirationTime], ["Chain ID", input.chainId]];
  const lines = fields.filter(([, value]) => value).map(([name, value]) => `${name}: ${value}`);
  return `${input.domain} wants you to sign in with your Aptos account:\n${input.address}\n\n${input.statement}\n\n${lines.join("\n")}`;
}

function petra(plan) {
  const account = Account.fromPrivateKey({ privateKey: new Ed25519PrivateKey(keyOf(plan)) });
  const noKey = { bcsToHex: () => { throw new Error("Cannot serialize a derived public key"); } };
  const info = { address: account.accountAddress, publicKey: plan.isDerived ? noKey : account.publicKey };
  const asks = (answer) => {
    plan.asked = (plan.asked ?? 0) + 1;
    if (plan.isLocked) throw new Error("Petra is locked");
    return plan.rejects ? rejected : approved(answer());
  };
  const connect = async () => asks(() => info);
  const network = async () => ({ name: NAMES[plan.chainId], chainId: plan.chainId });
  const signIn = async (asked) =>
    asks(() => {
      const input = { ...asked, address: account.accountAddress.toStringLong() };
      const message = Uint8Array.from([...sha3_256(utf8("SIGN_IN_WITH_APTOS::")), ...utf8(siwaText(input))]);
      return { account: info, input, signature: account.sign(message), type: "ed25519" };
    });
  const signMessage = async ({ message, nonce }) =>
    asks(() => {
      const fullMessage = `APTOS\naddress: ${account.accountAddress.toStringLong()}\napplication: ${location.host}\nchainId: ${plan.chainId}\nmessage: ${message}\nnonce: ${nonce}`;
      return { prefix: "APTOS", fullMessage, message, nonce, signature: account.sign(utf8(fullMessage)) };
    });
  const changeNetwork = async ({ chainId }) => asks(() => ((plan.chainId = chainId), { success: true }));
  const methods = { connect, network, signMessage, account: async () => info, disconnect: async () => {}, onAccountChange() {}, onNetworkChange() {}, signTransaction: async () => rejected };
  methods.signAndSubmitTransaction = async ({ payload }) => (plan.rejects ? rejected : approved({ hash: await window.sendOnAptos(plan.seed, payload) }));
  if (!plan.isOld) Object.assign(methods, { signIn });
  if (plan.changes) Object.assign(methods, { changeNetwork });
  const features = Object.fromEntries(Object.entries(methods).map(([name, method]) => [`aptos:${name}`, { version: "1.0.0", [name]: method }]));
  return { version: "1.0.0", name: "Petra", url: "https://petra.app", icon: ICON, chains: ["aptos:testnet"], accounts: [], features };
}

/** As @wallet-standard/core does it: whoever comes second calls. */
function register(wallet) {
  const callback = ({ register }) => register(wallet);
  window.dispatchEvent(new CustomEvent("wallet-standard:register-wallet", { detail: callback }));
  window.addEventListener("wallet-standard:app-ready", ({ detail }) => callback(detail));
}

// EVM ------------------------------------------------------------------------------------------------------------------

function metaMask(plan) {
  const key = keyOf(plan);
  const address = `0x${hex(keccak_256(secp256k1.getPublicKey(key, false).slice(1)).slice(-20))}`;
  const sign = (text) => {
    const message = bytesOf(text);
    const digest = keccak_256(Uint8Array.from([...utf8(`\x19Ethereum Signed Message:\n${message.length}`), ...message]));
    const signature = secp256k1.sign(digest, key);
    return `0x${signature.toCompactHex()}${(27 + signature.recovery).toString(16)}`;
  };
  const change = ({ chainId }) => {
    if (plan.isUnknown) throw Object.assign(new Error("Unrecognized chain ID."), { code: 4902 });
    plan.chainId = Number(chainId);
    return null;
  };
  const answers = {
    eth_requestAccounts: () => (plan.isLocked ? [] : [address]),
    eth_chainId: () => `0x${(plan.chainId ?? 1).toString(16)}`,
    personal_sign: sign,
    wallet_switchEthereumChain: change,
    eth_sendTransaction: (transaction) => window.sendOnEvm(transaction),
  };
  const request = async ({ method, params = [] }) => {
    if (plan.rejects) throw Object.assign(new Error("User rejected the request."), { code: 4001 });
    return answers[method](...params);
  };
  return { info: { uuid: crypto.randomUUID?.() ?? "1", name: plan.name ?? "MetaMask", icon: ICON, rdns: plan.rdns ?? "io.metamask" }, provider: { request } };
}

function announce(wallet) {
  const say = () => window.dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail: Object.freeze(wallet) }));
  window.addEventListener("eip6963:requestProvider", say);
  say();
}

const { testWallets = {} } = window;
window.installPetra = (plan) => register(petra((testWallets.petra = plan)));
window.installMetaMask = (plan) => announce(metaMask((testWallets.metaMask = plan)));
if (testWallets.petra) window.installPetra(testWallets.petra);
if (testWallets.metaMask) window.installMetaMask(testWallets.metaMask);
