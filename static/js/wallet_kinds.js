// Wallets of this browser, as they announce themselves: Aptos by the wallet standard (AIP-62), EVM by EIP-6963.
// Each becomes {id, name, icon, kind, sign(challenge), requireNetwork()}: `challenge(form, more)` asks the server what is to be
// signed; `requireNetwork` throws Declined("network") where the wallet is on another one than the site (users/networks.py).
// `features` (Aptos) or `provider` (EVM) is the wallet itself, for pages that ask it for more (pay.js).

/** The wallet, the person or the server did not go along. `state` names the words that are shown (data-wallet-words). */
export class Declined extends Error {
  constructor(state, { detail = "", change = null } = {}) {
    super(state);
    Object.assign(this, { state, detail, change });
  }
}

const NEEDED = ["aptos:account", "aptos:connect", "aptos:disconnect", "aptos:network", "aptos:onAccountChange", "aptos:onNetworkChange", "aptos:signMessage", "aptos:signTransaction"];
const iconOf = (icon) => (/^data:image\/(png|svg\+xml|webp|jpeg|gif);/.test(icon ?? "") ? icon : "");

/** Calls `found(wallet)` for every wallet, those that come later too. */
export function discover(found) {
  const { aptos, evm } = siteNetworks();
  const register = (...wallets) => wallets.filter(isAptos).forEach((wallet) => aptos && found(aptosWallet(wallet, aptos)));
  window.addEventListener("wallet-standard:register-wallet", ({ detail }) => detail({ register }));
  window.dispatchEvent(new CustomEvent("wallet-standard:app-ready", { detail: { register } }));
  window.addEventListener("eip6963:announceProvider", ({ detail }) => found(evmWallet(detail, evm)));
  window.dispatchEvent(new Event("eip6963:requestProvider"));
}

/** Those of the site: {aptos: "testnet" or "", evm: what EIP-3085 has a wallet add}. */
export const siteNetworks = () => JSON.parse(document.getElementById("wallet-networks").textContent);

/** What went wrong, told apart: wallets say it with codes, with words, or with a status. */
export function explained(error) {
  if (error instanceof Declined) return error;
  const words = String(error?.message ?? error);
  if (error?.code === USER_REJECTED || /reject|denied|declined|cancel/i.test(words)) return new Declined("rejected");
  if ([PENDING, UNAUTHORIZED].includes(error?.code) || /\b(un)?locked?\b/i.test(words)) return new Declined("locked");
  return new Declined("failed", { detail: words.slice(0, 200) });
}

// Aptos ----------------------------------------------------------------------------------------------------------------

const CHAINS = { mainnet: 1, testnet: 2 };
const NETWORK_MS = 2_000; // a wallet that does not tell its network by then is asked to sign all the same

/** Its features are there, and their methods are functions. */
function isAptos({ features = {} }) {
  return NEEDED.every((name) => typeof features[name]?.[name.split(":")[1]] === "function");
}

function aptosWallet(wallet, network) {
  const { name, icon, features } = wallet;
  const requireNetwork = () => requireAptos(features, network);
  const sign = async (challenge) => {
    await requireNetwork();
    return features["aptos:signIn"] ? signIn(features, challenge) : signMessage(features, challenge, requireNetwork);
  };
  return { id: `aptos:${name}`, name, icon: iconOf(icon), kind: "aptos", sign, requireNetwork, features };
}

export function approved({ status, args }) {
  if (status !== "Approved") throw new Declined("rejected");
  return args;
}

const chainOf = (network) => CHAINS[network] ?? Number(network);

/** Some wallets tell it only once they are connected. */
async function requireAptos(features, wanted) {
  const nothing = new Promise((resolve) => setTimeout(resolve, NETWORK_MS));
  const told = await Promise.race([nothing, (async () => features["aptos:network"].network())().catch(() => null)]);
  if (!told || Number(told.chainId) === chainOf(wanted)) return;
  const changing = features["aptos:changeNetwork"];
  const change = changing && (async () => approved(await changing.changeNetwork({ name: wanted, chainId: chainOf(wanted) })));
  throw new Declined("network", { detail: told.name || `chain ${told.chainId}`, change });
}

async function signIn(features, challenge) {
  const asked = await challenge("siwa");
  const { account, input, signature, type } = approved(await features["aptos:signIn"].signIn(asked.signIn));
  return { nonce: asked.nonce, version: "2", scheme: type, said: input, ...proof(account, signature) };
}

/** For wallets without sign-in: connect, then a plain message. */
async function signMessage(features, challenge, requireNetwork) {
  const account = approved(await features["aptos:connect"].connect());
  await requireNetwork();
  const asked = await challenge("message");
  const wish = { address: true, application: true, chainId: true, message: asked.statement, nonce: asked.nonce };
  const { fullMessage, signature } = approved(await features["aptos:signMessage"].signMessage(wish));
  return { nonce: asked.nonce, said: fullMessage, ...proof(account, signature) };
}

/** Accounts that another chain's wallet derives (AIP-113) have keys that no bytes stand for: nobody could check them. */
function proof(account, signature) {
  try {
    return { address: account.address.toString(), publicKey: account.publicKey.bcsToHex().toString(), signature: signature.bcsToHex().toString() };
  } catch {
    throw new Declined("unsupported");
  }
}

// EVM ------------------------------------------------------------------------------------------------------------------

const USER_REJECTED = 4001; // EIP-1193
const UNAUTHORIZED = 4100;
const PENDING = -32002; // it asks for something already
const UNKNOWN_CHAIN = 4902; // EIP-3085
const EVM_NAMES = { 1: "Ethereum", 10: "OP Mainnet", 56: "BNB Smart Chain", 137: "Polygon", 8453: "Base", 42161: "Arbitrum One", 11155111: "Sepolia" };

function evmWallet({ info, provider }, chain) {
  const requireNetwork = () => requireChain(provider, chain);
  const sign = async (challenge) => personalSign(provider, challenge, requireNetwork);
  return { id: `evm:${info.rdns}`, name: info.name, icon: iconOf(info.icon), kind: "evm", sign, requireNetwork, provider };
}

/** The account that the person shows; a locked wallet may answer with none. */
export async function accountOf(provider) {
  const [address] = await provider.request({ method: "eth_requestAccounts", params: [] });
  if (!address) throw new Declined("locked");
  return address;
}

async function requireChain(provider, chain) {
  const told = Number(await provider.request({ method: "eth_chainId", params: [] }));
  if (told === Number(chain.chainId)) return;
  const detail = EVM_NAMES[told] ?? `chain ${told}`;
  const change = () => changeChain(provider, chain).catch(stayed);
  /** Who declined may be asked again; a wallet that cannot change is changed by hand. */
  const stayed = (error) => {
    if (error instanceof Declined) throw error;
    throw new Declined("network", { detail, change: isRejection(error) ? change : null });
  };
  throw new Declined("network", { detail, change });
}

/** A chain that the wallet does not know is offered to it; where the site names no node for its visitors it cannot take it. */
async function changeChain(provider, chain) {
  const { chainId } = chain;
  const offer = (error) => {
    if (!isUnknownChain(error)) throw error;
    return provider.request({ method: "wallet_addEthereumChain", params: [chain] }).catch((error) => {
      throw isRejection(error) ? error : new Declined("unknown", { detail: `chain ${Number(chainId)}` });
    });
  };
  await provider.request({ method: "wallet_switchEthereumChain", params: [{ chainId }] }).catch(offer);
}

const isRejection = (error) => explained(error).state === "rejected";

/** MetaMask on phones wraps it. */
const isUnknownChain = (error) => UNKNOWN_CHAIN === (error?.data?.originalError?.code ?? error?.code);

async function personalSign(provider, challenge, requireNetwork) {
  const address = await accountOf(provider);
  await requireNetwork();
  const asked = await challenge("eip4361", { address });
  const text = `0x${[...new TextEncoder().encode(asked.text)].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  return { nonce: asked.nonce, signature: await provider.request({ method: "personal_sign", params: [text, address] }) };
}
