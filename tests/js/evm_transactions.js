// A transaction of EIP-1559, signed as an EVM wallet does it: the node it is sent to finds the sender by the signature alone.

import { secp256k1 } from "@noble/curves/secp256k1";
import { keccak_256 } from "@noble/hashes/sha3";

const EIP_1559 = 2;
const joined = (parts) => Uint8Array.from(parts.flatMap((part) => [...part]));
export const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
export const bytesOf = (text) => Uint8Array.from(text.slice(2).match(/../g) ?? [], (digits) => parseInt(digits, 16));

/** The shortest big-endian bytes of a number or a hex string: none for zero. */
function digitsOf(number) {
  const digits = BigInt(number).toString(16);
  return digits === "0" ? new Uint8Array() : bytesOf(`0x${digits.length % 2 ? "0" : ""}${digits}`);
}

/** Recursive length prefix: of bytes, or of a list of such. */
function rlp(item) {
  const isList = Array.isArray(item);
  const body = isList ? joined(item.map(rlp)) : item;
  if (!isList && body.length === 1 && body[0] < 0x80) return body;
  const first = isList ? 0xc0 : 0x80;
  if (body.length < 56) return joined([[first + body.length], body]);
  const length = digitsOf(body.length);
  return joined([[first + 55 + length.length], length, body]);
}

/** The raw transaction, as eth_sendRawTransaction takes it. */
export function signed({ chainId, nonce, tip, price, gas, to, value, data }, key) {
  const fields = [...[chainId, nonce, tip, price, gas].map(digitsOf), bytesOf(to), digitsOf(value), bytesOf(data), []];
  const { r, s, recovery } = secp256k1.sign(keccak_256(joined([[EIP_1559], rlp(fields)])), key);
  return `0x${hex(joined([[EIP_1559], rlp([...fields, ...[recovery, r, s].map(digitsOf)])]))}`;
}
