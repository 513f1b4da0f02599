// SHA-256 of files, block by block, beside the page. crypto.subtle cannot: it wants the whole file, and https.
// Gets {file}; answers {done} in bytes while it reads, then {sha256}, or {error}.

import { sha256 } from "../vendor/noble-hashes/sha2.js";

const BLOCK_BYTES = 4 * 1024 ** 2;

async function hash(file) {
  const state = sha256.create();
  for (let start = 0; start < file.size; start += BLOCK_BYTES) {
    state.update(new Uint8Array(await file.slice(start, start + BLOCK_BYTES).arrayBuffer()));
    postMessage({ done: Math.min(start + BLOCK_BYTES, file.size) });
  }
  return [...state.digest()].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

addEventListener("message", async ({ data }) => {
  try {
    postMessage({ sha256: await hash(data.file) });
  } catch (error) {
    postMessage({ error: String(error) });
  }
});
