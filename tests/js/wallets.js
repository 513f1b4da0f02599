// Wallets of a test, injected into the page: a Petra-like one that announces itself by AIP-62 and signs with the Aptos SDK's keys,
// and an EVM one that announces itself by EIP-6963. `window.testWallets` says which there are and how they behave; a test may
// change that later: testWallets.petra.rejects = false. What they send goes through functions that the test has given the page:
// askEvm(method, params), the node of an EVM wallet, and sendOnAptos(seed, payload), which answers with the hash.

import { Account, Ed25519PrivateKey } from "@aptos-labs/ts-sdk";
import { secp256k1 } from "@noble/curves/secp256k1";
import { keccak_256, sha3_256 } from "@noble/hashes/sha3";
import { bytesOf, hex, signed } from "./evm_transactions.js";

const ICON = "data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCAzNiAzNiI+PHJlY3Qgd2lkdGg9IjM2IiBoZWlnaHQ9IjM2IiByeD0iMTAiIGZpbGw9IiMwMDZjZmYiLz48L3N2Zz4=";
const NAMES = { 1: "Mainnet", 2: "Testnet" };
const utf8 = (text) => new TextEncoder().encode(text);
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

const ANVIL = 31337;
const refusal = (code, words) => Object.assign(new Error(words), { code });

/** `plan.chainId`: where it is. It changes when it is asked, unless it `declinesChange`, is `isFixed`, or does not know the chain
 * (`isUnknown`); one that `adds` takes a chain that it is told of. */
function metaMask(plan) {
  plan.chainId ??= ANVIL;
  const key = keyOf(plan);
  const address = `0x${hex(keccak_256(secp256k1.getPublicKey(key, false).slice(1)).slice(-20))}`;
  const sign = (text) => {
    const message = bytesOf(text);
    const digest = keccak_256(Uint8Array.from([...utf8(`\x19Ethereum Signed Message:\n${message.length}`), ...message]));
    const signature = secp256k1.sign(digest, key);
    return `0x${signature.toCompactHex()}${(27 + signature.recovery).toString(16)}`;
  };
  const change = ({ chainId }) => {
    if (plan.isFixed) throw refusal(4200, "This wallet has one network.");
    if (plan.isUnknown) throw refusal(4902, "Unrecognized chain ID.");
    if (plan.declinesChange) throw refusal(4001, "User rejected the request.");
    plan.chainId = Number(chainId);
    return null;
  };
  const add = ({ chainId, rpcUrls }) => {
    if (!plan.adds || !rpcUrls.length) throw refusal(-32602, "Expected an array with at least one valid URL.");
    plan.isUnknown = false;
    return change({ chainId });
  };
  const send = async ({ from, to, value, data, chainId }) => {
    if (from !== address || Number(chainId) !== plan.chainId) throw refusal(-32602, "Not from here.");
    const ask = (method, ...params) => window.askEvm(method, params);
    const nonce = await ask("eth_getTransactionCount", from, "pending");
    const gas = await ask("eth_estimateGas", { from, to, value, data });
    const price = 2n * BigInt(await ask("eth_gasPrice"));
    return ask("eth_sendRawTransaction", signed({ chainId, nonce, tip: 1, price, gas, to, value, data }, key));
  };
  const answers = {
    eth_requestAccounts: () => (plan.isLocked ? [] : [address]),
    eth_chainId: () => `0x${plan.chainId.toString(16)}`,
    personal_sign: sign,
    wallet_switchEthereumChain: change,
    wallet_addEthereumChain: add,
    eth_sendTransaction: send,
  };
  const request = async ({ method, params = [] }) => {
    if (plan.rejects && method !== "eth_chainId") throw refusal(4001, "User rejected the request.");
    (plan.asked ??= []).push(method);
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
