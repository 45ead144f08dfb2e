// A token and one key (docs/formats.md 1.6, steps 7 to 11). The order of the checks is that of the Go package.

import { decode, decodeText, encodeText } from "./base64url.js";
import { fault, indexOf, isTime, isWhole } from "./code.js";
import { Refusal, badSignature, elsewhere, malformed, unknownKey } from "./refusal.js";
import { isSignature } from "./signature.js";
import { payload, signingInput } from "./template.js";

/** Returns the code that the key vouches for; throws a Refusal otherwise. Time is not looked at, except that of the key. */
export async function verifyWith(shown, key) {
  if (!key.crypto) throw elsewhere(key.alg);
  const code = shown.packed ? await verifyPacked(shown.packed, key) : await verifyToken(shown.token, key);
  if (code.iat < key.nbf || code.iat > key.naf) throw unknownKey("the key was not in use when the code was issued");
  return code;
}

async function verifyPacked({ code, signature }, key) {
  if (!(await isSignature(key, signingInput(key, code), signature))) throw badSignature();
  return code;
}

async function verifyToken({ parts }, key) {
  const claims = claimsOf(parts[1]);
  if (!(await isSignature(key, `${parts[0]}.${parts[1]}`, signatureOf(parts[2])))) throw badSignature();
  return codeOf(claims, parts[1], key);
}

/** Reads the payload as JSON. What is right in form but not the template's is told after the signature was checked. */
function claimsOf(segment) {
  try {
    const claims = JSON.parse(decodeText(segment)) ?? {};
    if (typeof claims === "object" && !Array.isArray(claims) && ["string", "undefined"].includes(typeof (claims.iss ?? undefined))) return claims;
  } catch { /* said below */ }
  throw malformed("it is not a JWT");
}

function signatureOf(segment) {
  try {
    return decode(segment);
  } catch {
    throw malformed("it is not a JWT");
  }
}

/** Reads claims whose signature is good, and refuses any payload that is not the template's byte for byte. */
function codeOf(claims, segment, key) {
  if (typeof claims.iss !== "string") throw malformed("a claim is missing");
  if (claims.iss !== key.issuer) throw unknownKey("the key signs for another issuer");
  const version = versionOf(claims.qc);
  if (version !== 1) throw new Refusal("unsupported_version", `the code is of version ${version}, which is not known here`);
  const code = fieldsOf(claims, key);
  const wrong = fault(code);
  if (wrong) throw malformed(wrong);
  if (segment !== encodeText(payload(key.issuer, code))) throw malformed("the payload is not that of version 1");
  return code;
}

/** No version counts as version 0. */
function versionOf(qc) {
  const version = qc?.v ?? 0;
  if (qc === undefined || typeof qc !== "object" || Array.isArray(qc) || !Number.isInteger(version)) throw malformed("it has no version");
  return version;
}

function fieldsOf(claims, key) {
  const place = claims.status?.status_list?.idx;
  const list = Number(/\/lists\/status\/([0-9]{1,4})$/.exec(claims.status?.status_list?.uri)?.[1]);
  if (!isTime(claims.iat) || !isTime(claims.exp) || !isWhole(place, 0, 0xfffff) || !isWhole(list, 0, 0xfff)) throw malformed("a claim is out of range");
  return {
    key: key.number, uscc: claims.sub, iat: claims.iat, exp: claims.exp, seconds: claims.exp - claims.iat < 0x8000,
    tier: claims.qc.tier, colour: claims.qc.colour, model: claims.qc.model, index: indexOf(list, place),
  };
}
