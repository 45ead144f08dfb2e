// Status lists and grade lists (docs/formats.md 5).

import { decode } from "./base64url.js";
import { COLOURS, TIERS, isTime } from "./code.js";
import { inflate } from "./inflate.js";
import { openWith, readJWS } from "./jws.js";
import { unknownKey } from "./refusal.js";
import { keyNumber } from "./text.js";

const SIZE = 1 << 20;
const MAX_TOKEN = 2 << 20;
const MAX_NUMBER = 0xfff;

const KINDS = {
  status: { bits: 2, typ: "statuslist+jwt", member: "status_list", tail: (issuer) => `,"aggregation_uri":"${issuer}/lists"` },
  grade: { bits: 8, typ: "qc-gradelist+jwt", member: "grade_list", tail: () => "" },
};

const STATUSES = ["valid", "revoked", "suspended", "superseded"];

/** Verifies the token of a list with the keys that have its number. Throws when anything is wrong. The clock is not looked at. */
export async function readList(token, keys) {
  const jws = readJWS(token, MAX_TOKEN);
  const kind = Object.keys(KINDS).find((one) => KINDS[one].typ === jws.typ);
  if (!kind) throw new Error("the token is not that of a list");
  const number = keyNumber(jws.kid);
  return openWith(keys.filter((key) => key.number === number), jws, (key) => listBy(key, kind, jws.payload));
}

async function listBy(key, kind, payload) {
  const claims = claimsOf(payload, kind, key.issuer);
  if (claims.iat < key.nbf || claims.iat > key.naf) throw unknownKey("the key was not in use when the list was issued");
  const entries = await inflate(decode(claims.lst), (SIZE * KINDS[kind].bits) / 8);
  return { kind, number: claims.number, issuer: key.issuer, sub: claims.sub, iat: claims.iat, exp: claims.exp, ttl: claims.ttl, entries };
}

/** Reads the payload and holds it against the template: a member twice, one more, another order or another sub is refused. */
function claimsOf(payload, kind, issuer) {
  const { sub, iat, exp, ttl, [KINDS[kind].member]: content } = JSON.parse(payload);
  const number = Number(/\/([0-9]{1,4})$/.exec(sub)?.[1]);
  const lst = content?.lst;
  if (!(number <= MAX_NUMBER) || typeof lst !== "string" || !isTime(iat) || !isTime(exp) || !isTime(ttl)) throw new Error("a claim is out of range");
  if (payload !== template(kind, { issuer, number, iat, exp, ttl, lst })) throw new Error("the payload is not that of a list of this issuer");
  if (exp <= iat || ttl === 0) throw new Error("the list ends before it begins");
  return { sub, number, iat, exp, ttl, lst };
}

function template(kind, { issuer, number, iat, exp, ttl, lst }) {
  const { bits, member, tail } = KINDS[kind];
  return `{"iss":"${issuer}","sub":"${issuer}/lists/${kind}/${number}","iat":${iat},"exp":${exp},"ttl":${ttl},` +
    `"${member}":{"bits":${bits},"lst":"${lst}"${tail(issuer)}}}`;
}

/** Whether a time is further ahead of now than a clock may be wrong. */
export const isAhead = (time, now) => time > now + LEEWAY;

const LEEWAY = 60; // seconds

/** Whether a list may say what is so at now (Unix seconds). */
export const isCurrent = (list, now) => now < list.exp && !isAhead(list.iat, now);

export const statusAt = (list, place) => STATUSES[(list.entries[place >> 2] >> (2 * (place & 3))) & 3];

/** Whether a status can never change again. */
export const isFinal = (status) => status === "revoked" || status === "superseded";

/** The grade at a place, or null when there is none. */
export function gradeAt(list, place) {
  const byte = list.entries[place];
  const colour = COLOURS[byte >> 4], tier = TIERS[byte & 15];
  return colour && tier ? { tier, colour } : null;
}
