// The key set (docs/formats.md 2).

import { isTime } from "./code.js";
import { importKey, isKnown, thumbprint } from "./signature.js";
import { isHost, keyNumber } from "./text.js";

const MAX_ISSUER = 32;

/** Reads the JWKs of a set. Keys for something else are passed over; a faulty key for codes spoils the whole set. */
export async function readKeys(jwks) {
  if (!Array.isArray(jwks)) throw new Error("the key set has no keys");
  const keys = [];
  for (const jwk of jwks) {
    const number = forCodes(jwk);
    if (number) keys.push(await readKey(jwk, number));
  }
  if (keys.length === 0) throw new Error("the key set has no key for health codes");
  return keys;
}

/** The number of a key for codes, 0 for any other key. */
function forCodes(jwk) {
  const texts = [jwk?.kty, jwk?.kid, jwk?.alg, jwk?.use].every((value) => value === undefined || typeof value === "string");
  if (jwk === null || typeof jwk !== "object" || !texts) throw new Error("kty, kid, alg and use must be texts");
  return jwk.use === "sig" && isKnown(jwk.alg) ? keyNumber(jwk.kid) : 0;
}

/** crypto is null when this browser cannot check the key's algorithm. */
async function readKey(jwk, number) {
  if ("d" in jwk) throw new Error("it is a private key");
  if (typeof jwk.iss !== "string" || !isIssuer(jwk.iss)) throw new Error("a key's issuer is none");
  const crypto = await importKey(jwk);
  const print = await thumbprint(jwk);
  if (jwk.thumbprint && jwk.thumbprint !== print) throw new Error("the thumbprint is that of another key");
  for (const time of [jwk.nbf, jwk.naf]) {
    if (time !== undefined && time !== null && !isTime(time)) throw new Error("nbf or naf is no time");
  }
  if (typeof jwk.naf === "number" && jwk.naf < (jwk.nbf ?? 0)) throw new Error("the key ends before it begins");
  return { number, kid: jwk.kid, alg: jwk.alg, issuer: jwk.iss, thumbprint: print, nbf: jwk.nbf ?? 0, naf: jwk.naf ?? Infinity, crypto };
}

/** https://HOST in small letters; http:// for this machine only. */
export function isIssuer(text) {
  if (text.length > MAX_ISSUER || text !== text.toLowerCase()) return false;
  const [, scheme, host] = /^(https?):\/\/(.*)$/s.exec(text) ?? [];
  if (!scheme || !isHost(host)) return false;
  return scheme === "https" || /^(localhost|127\.0\.0\.1)(:|$)/.test(host);
}
