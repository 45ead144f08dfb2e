// The signed tokens beside the code: lists, key set, manifest. Their header is a template, byte for byte.

import { decode, decodeText } from "./base64url.js";
import { badSignature, elsewhere, unknownKey } from "./refusal.js";
import { isSignature } from "./signature.js";

const MAX_HEADER = 256;

/** Takes a token apart. Length and characters come first. Nothing that it returns has been verified; the caller looks at typ. */
export function readJWS(token, limit) {
  if (typeof token !== "string" || token.length > limit) throw new Error("the token is too long");
  if (!/^[A-Za-z0-9_.-]*$/.test(token)) throw new Error("a character does not belong in a token");
  const parts = token.split(".");
  if (parts.length !== 3) throw new Error("a token has three parts");
  return { ...headerOf(parts[0]), input: `${parts[0]}.${parts[1]}`, payload: decodeText(parts[1]), signature: decode(parts[2]) };
}

/** The header must be the template's, byte for byte: so crit, a member twice or one more is refused. */
function headerOf(segment) {
  if (segment.length > MAX_HEADER) throw new Error("the header is too long");
  const text = decodeText(segment);
  const { alg, kid, typ } = JSON.parse(text);
  if (text !== `{"alg":"${alg}","kid":"${kid}","typ":"${typ}"}`) throw new Error("the header is not alg, kid and typ");
  return { alg, kid, typ };
}

/**
 * Tries keys in turn and returns what read(key) returns for the first one whose signature it is and that the payload can be read by. The
 * algorithm is the key's own. Throws why the last one did not fit: a Refusal unknown_key or bad_signature, or what read throws.
 */
export async function openWith(keys, jws, read) {
  let refused = unknownKey("no key has this number");
  for (const key of keys) {
    try {
      if (key.alg !== jws.alg) throw badSignature();
      if (!key.crypto) throw elsewhere(key.alg);
      if (!(await isSignature(key, jws.input, jws.signature))) throw badSignature();
      return await read(key);
    } catch (error) {
      refused = error;
    }
  }
  throw refused;
}
