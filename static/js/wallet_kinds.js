// Wallets of this browser, as they announce themselves: Aptos by the wallet standard (AIP-62), EVM by EIP-6963.
// Each becomes {id, name, icon, kind, sign(challenge)}: `challenge(form, more)` asks the server what is to be signed.
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

/** Calls `found(wallet)` for every wallet, those that come later too. `network`: of the site's Aptos chain, "testnet". */
export function discover(network, found) {
  const register = (...wallets) => wallets.filter(isAptos).forEach((wallet) => network && found(aptosWallet(wallet, network)));
  window.addEventListener("wallet-standard:register-wallet", ({ detail }) => detail({ register }));
  window.dispatchEvent(new CustomEvent("wallet-standard:app-ready", { detail: { register } }));
  window.addEventListener("eip6963:announceProvider", ({ detail }) => found(evmWallet(detail)));
  window.dispatchEvent(new Event("eip6963:requestProvider"));
}

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
  const sign = async (challenge) => {
    await requireNetwork(features, network);
    return features["aptos:signIn"] ? signIn(features, challenge) : signMessage(features, challenge, network);
  };
  return { id: `aptos:${name}`, name, icon: iconOf(icon), kind: "aptos", sign, features };
}

export function approved({ status, args }) {
  if (status !== "Approved") throw new Declined("rejected");
  return args;
}

const chainOf = (network) => CHAINS[network] ?? Number(network);

/** Some wallets tell it only once they are connected. */
export async function requireNetwork(features, wanted) {
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
async function signMessage(features, challenge, network) {
  const account = approved(await features["aptos:connect"].connect());
  await requireNetwork(features, network);
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

function evmWallet({ info, provider }) {
  return { id: `evm:${info.rdns}`, name: info.name, icon: iconOf(info.icon), kind: "evm", sign: (challenge) => personalSign(provider, challenge), provider };
}

async function personalSign(provider, challenge) {
  const [address] = await provider.request({ method: "eth_requestAccounts", params: [] });
  if (!address) throw new Declined("locked");
  const asked = await challenge("eip4361", { address });
  const text = `0x${[...new TextEncoder().encode(asked.text)].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  return { nonce: asked.nonce, signature: await provider.request({ method: "personal_sign", params: [text, address] }) };
}
