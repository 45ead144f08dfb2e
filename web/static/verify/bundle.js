// The bundle: a pinned root key vouches for the key set, the key set for the manifest, the manifest for the lists.

import { isTime } from "./code.js";
import { parseOnce } from "./json.js";
import { readJWS, signerOf } from "./jws.js";
import { readKeys } from "./keys.js";
import { readList } from "./list.js";
import { importKey, sha256, thumbprint } from "./signature.js";

const MAX_KEY_SET = 2 << 20;
const MAX_MANIFEST = 1 << 20;
const MAX_LISTS = 2 * 4096;

/** Reads the public JWK of a root key. Returns {jwk, thumbprint, key}. Throws when it is not an ES256 key. */
export async function readRoot(text) {
  const { kty, crv, x, y } = parseOnce(text);
  const jwk = { kty, crv, x, y, alg: "ES256" };
  const crypto = await importKey(jwk);
  const print = await thumbprint(jwk);
  return { jwk, thumbprint: print, key: { kid: print, alg: "ES256", crypto } };
}

/** Verifies a bundle from the root down. Throws when any part of it is not as it must be. The clock is not looked at. */
export async function readBundle(text, root) {
  const { manifest, key_set: keySet, lists } = parseOnce(text);
  if (!Array.isArray(lists) || lists.length > MAX_LISTS) throw new Error("the bundle has no lists");
  const keys = await readKeySet(keySet, root);
  await checkManifest(manifest, keys.keys, root, keySet, lists);
  const read = [];
  for (const token of lists) read.push(await readList(token, keys.keys));
  return { ...keys, lists: read };
}

async function readKeySet(token, root) {
  const jws = readJWS(token, "qc-keyset+jwt", MAX_KEY_SET);
  if (jws.kid !== root.thumbprint) throw new Error("the key set is signed by another root");
  await signerOf(jws, [root.key]);
  const { iss, iat, exp, keys } = parseOnce(jws.payload);
  if (typeof iss !== "string" || !isTime(iat) || !isTime(exp) || exp <= iat) throw new Error("a claim of the key set is missing");
  return { issuer: iss, iat, exp, keys: await readKeys(keys) };
}

async function checkManifest(token, keys, root, keySet, lists) {
  const jws = readJWS(token, "qc-bundle+jwt", MAX_MANIFEST);
  await signerOf(jws, [root.key, ...keys].filter((key) => key.kid === jws.kid));
  const claims = parseOnce(jws.payload);
  const hashes = await Promise.all(lists.map(hexHash));
  if (claims.key_set !== (await hexHash(keySet))) throw new Error("the key set is not that of the manifest");
  if (JSON.stringify(claims.lists) !== JSON.stringify(hashes)) throw new Error("the lists are not those of the manifest");
}

const hexHash = async (text) => Array.from(await sha256(text), (byte) => byte.toString(16).padStart(2, "0")).join("");
