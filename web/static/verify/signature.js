// The signatures that this browser can check, by WebCrypto. SM2 is in no browser: keys for it are known by name only.

import { decode, encode } from "./base64url.js";

const SIZE = 64;

const ALGORITHMS = {
  ES256: { kty: "EC", crv: "P-256", importAs: { name: "ECDSA", namedCurve: "P-256" }, verifyAs: { name: "ECDSA", hash: "SHA-256" } },
  EdDSA: { kty: "OKP", crv: "Ed25519", importAs: { name: "Ed25519" }, verifyAs: { name: "Ed25519" } },
};

/** Algorithms of codes that WebCrypto does not have. */
const ELSEWHERE = ["SM2SM3"];

export const isKnown = (alg) => Object.hasOwn(ALGORITHMS, alg) || ELSEWHERE.includes(alg);

/**
 * Returns a key that isSignature takes, or null when this browser cannot check the algorithm. Throws when the JWK is faulty, as far as
 * browsers look: they check that a P-256 point is on its curve, and nothing of an Ed25519 point. For that the root vouches.
 */
export async function importKey(jwk) {
  const algorithm = Object.hasOwn(ALGORITHMS, jwk.alg) ? ALGORITHMS[jwk.alg] : undefined;
  if (!algorithm) return null;
  if (jwk.kty !== algorithm.kty || jwk.crv !== algorithm.crv) throw new Error(`${jwk.alg} needs kty ${algorithm.kty} and crv ${algorithm.crv}`);
  if (jwk.kty === "OKP" && jwk.y) throw new Error("EdDSA has no y");
  const point = jwk.kty === "EC" ? new Uint8Array([4, ...coordinate(jwk.x), ...coordinate(jwk.y)]) : coordinate(jwk.x);
  try {
    return await crypto.subtle.importKey("raw", point, algorithm.importAs, true, ["verify"]);
  } catch (error) {
    if (error.name === "NotSupportedError") return null; // an older browser without Ed25519
    throw error;
  }
}

function coordinate(text) {
  const bytes = decode(text);
  if (bytes.length !== 32) throw new Error("a coordinate is not 32 bytes");
  return bytes;
}

/** The RFC 7638 thumbprint, SHA-256 in base64url. */
export async function thumbprint(jwk) {
  const y = jwk.y ? `,"y":"${jwk.y}"` : "";
  return encode(await sha256(`{"crv":"${jwk.crv}","kty":"${jwk.kty}","x":"${jwk.x}"${y}}`));
}

export async function sha256(text) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

/** Whether the 64 bytes are the key's signature of the input. */
export async function isSignature({ alg, crypto: key }, input, signature) {
  return signature.length === SIZE && crypto.subtle.verify(ALGORITHMS[alg].verifyAs, key, signature, new TextEncoder().encode(input));
}
