// The bundle (docs/formats.md 6 and 7): a pinned root key vouches for the key set, the key set for the manifest, the manifest for the lists.

import { isTime } from "./code.js";
import { parseOnce } from "./json.js";
import { openWith, readJWS } from "./jws.js";
import { isIssuer, readKeys } from "./keys.js";
import { readList } from "./list.js";
import { elsewhere, unknownKey } from "./refusal.js";
import { importKey, sha256, thumbprint } from "./signature.js";
import { keyNumber } from "./text.js";

const MAX_BUNDLE = 64 << 20;
const MAX_KEY_SET = Math.floor((1 << 20) / 3) * 4 + 4096; // 1 MiB in base64url
const MAX_MANIFEST = 1 << 20;

/** Reads the public JWK of a root key. Returns {issuer, thumbprint, alg, crypto}. Throws when it is none. */
export async function readRoot(text) {
  const jwk = parseOnce(text);
  if (jwk.use !== "sig" || "d" in jwk || !isIssuer(String(jwk.iss))) throw new Error("it is not the public part of a root key");
  const crypto = await importKey(jwk);
  if (!crypto) throw elsewhere(jwk.alg);
  if (jwk.kid !== (await thumbprint(jwk))) throw new Error("the kid of the root is not its thumbprint");
  return { issuer: jwk.iss, thumbprint: jwk.kid, alg: jwk.alg, crypto };
}

/**
 * Verifies a bundle from the root down. Throws when any part of it is not as it must be: a Refusal bad_signature or unknown_key, any other
 * error means malformed. The clock is not looked at.
 */
export async function readBundle(text, root) {
  if (text.length > MAX_BUNDLE) throw new Error("the bundle is too long");
  const { manifest, key_set: keySet, lists: tokens } = parseOnce(text);
  const set = await readKeySet(keySet, root);
  await checkManifest(manifest, { set, root, keySet, tokens: tokens ?? [] });
  const lists = [];
  for (const token of tokens ?? []) lists.push(await readList(token, set.keys));
  if (new Set(lists.map((list) => list.sub)).size < lists.length) throw new Error("a list stands twice");
  return { ...set, lists };
}

async function readKeySet(token, root) {
  const jws = readJWS(token, MAX_KEY_SET);
  if (jws.typ !== "qc-keyset+jwt") throw new Error("the key set is of another type");
  if (jws.kid !== root.thumbprint) throw unknownKey("the key set is not signed by the pinned root");
  return openWith([root], jws, () => keySetOf(parseOnce(jws.payload), root));
}

async function keySetOf({ iss, iat, exp, keys: jwks }, root) {
  if (!isTime(iat) || !isTime(exp) || exp <= iat) throw new Error("the key set has no times");
  if (iss !== root.issuer) throw new Error("the root vouches for another issuer");
  const keys = await readKeys(jwks);
  if (keys.some((key) => key.thumbprint === root.thumbprint)) throw new Error("the key set holds the root itself");
  return { issuer: iss, iat, exp, keys };
}

/** The manifest says which key set and which lists belong together. It is signed by one of the keys, or by the root. */
async function checkManifest(token, { set, root, keySet, tokens }) {
  const jws = readJWS(token, MAX_MANIFEST);
  if (jws.typ !== "qc-bundle+jwt") throw new Error("the manifest is of another type");
  const number = keyNumber(jws.kid);
  const hashes = { key_set: await hexHash(keySet), lists: await Promise.all(tokens.map(hexHash)) };
  const keys = jws.kid === root.thumbprint ? [root] : set.keys.filter((key) => key.number === number);
  await openWith(keys, jws, (key) => checkClaims(jws.payload, key, hashes));
}

function checkClaims(payload, key, hashes) {
  const { iat, exp } = JSON.parse(payload);
  if (!isTime(iat) || !isTime(exp)) throw new Error("the manifest has no times");
  if (payload !== JSON.stringify({ iss: key.issuer, iat, exp, ...hashes })) throw new Error("the manifest is not about this key set and these lists");
  if (iat < (key.nbf ?? 0) || iat > (key.naf ?? Infinity)) throw unknownKey("the manifest's key was not in use at its time");
}

const hexHash = async (text) => Array.from(await sha256(text), (byte) => byte.toString(16).padStart(2, "0")).join("");
