// Wallets of this browser, as they announce themselves: Aptos by the wallet standard (AIP-62), EVM by EIP-6963.
// Each becomes {id, name, icon, network, sign(challenge)}: `challenge(form, more)` asks the server what is to be signed.

/** The wallet, or the person, did not sign; the words say why. */
export class Declined extends Error {}

const REJECTED = "You declined in your wallet. Nothing was signed; try again when you like.";
const NEEDED = ["aptos:account", "aptos:connect", "aptos:disconnect", "aptos:network", "aptos:onAccountChange", "aptos:onNetworkChange", "aptos:signMessage", "aptos:signTransaction"];
const iconOf = (icon) => (/^data:image\/(png|svg\+xml|webp|jpeg|gif);/.test(icon ?? "") ? icon : "");

/** Calls `found(wallet)` for every wallet, those that come later too. */
export function discover(found) {
  const register = (...wallets) => wallets.filter(isAptos).forEach((wallet) => found(aptosWallet(wallet)));
  window.addEventListener("wallet-standard:register-wallet", ({ detail }) => detail({ register }));
  window.dispatchEvent(new CustomEvent("wallet-standard:app-ready", { detail: { register } }));
  window.addEventListener("eip6963:announceProvider", ({ detail }) => found(evmWallet(detail)));
  window.dispatchEvent(new Event("eip6963:requestProvider"));
}

// Aptos ----------------------------------------------------------------------------------------------------------------

/** Its features are there, and their methods are functions. */
function isAptos({ features = {} }) {
  return NEEDED.every((name) => typeof features[name]?.[name.split(":")[1]] === "function");
}

function aptosWallet(wallet) {
  return {
    id: `aptos:${wallet.name}`,
    name: wallet.name,
    icon: iconOf(wallet.icon),
    network: "aptos",
    sign: (challenge) => (wallet.features["aptos:signIn"] ? signIn(wallet, challenge) : signMessage(wallet, challenge)),
  };
}

function approved({ status, args }) {
  if (status !== "Approved") throw new Declined(REJECTED);
  return args;
}

async function signIn(wallet, challenge) {
  const asked = await challenge("siwa");
  const { account, input, signature, type } = approved(await wallet.features["aptos:signIn"].signIn(asked.signIn));
  return { nonce: asked.nonce, version: "2", scheme: type, said: input, ...proof(account, signature) };
}

/** For wallets without sign-in: connect, then a plain message. */
async function signMessage(wallet, challenge) {
  const account = approved(await wallet.features["aptos:connect"].connect());
  const asked = await challenge("message");
  const wish = { address: true, application: true, chainId: true, message: asked.statement, nonce: asked.nonce };
  const { fullMessage, signature } = approved(await wallet.features["aptos:signMessage"].signMessage(wish));
  return { nonce: asked.nonce, said: fullMessage, ...proof(account, signature) };
}

const proof = (account, signature) => ({
  address: account.address.toString(),
  publicKey: account.publicKey.bcsToHex().toString(),
  signature: signature.bcsToHex().toString(),
});

// EVM ------------------------------------------------------------------------------------------------------------------

const USER_REJECTED = 4001; // EIP-1193
const PENDING = -32002;

function evmWallet({ info, provider }) {
  return { id: `evm:${info.rdns}`, name: info.name, icon: iconOf(info.icon), network: "evm", sign: (challenge) => personalSign(provider, challenge) };
}

async function personalSign(provider, challenge) {
  const [address] = await asking(provider, "eth_requestAccounts");
  const asked = await challenge("eip4361", { address });
  const text = `0x${[...new TextEncoder().encode(asked.text)].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  return { nonce: asked.nonce, signature: await asking(provider, "personal_sign", text, address) };
}

async function asking(provider, method, ...params) {
  try {
    return await provider.request({ method, params });
  } catch (error) {
    if (error.code === USER_REJECTED) throw new Declined(REJECTED);
    if (error.code === PENDING) throw new Declined("Your wallet already asks for something, or is locked. Open it, answer or unlock it, and try again.");
    throw error;
  }
}
