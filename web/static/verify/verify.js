// The verdict about one text: authentic? current? grade as of when? (docs/formats.md 8)

import { listOf, placeOf } from "./code.js";
import { gradeAt, isAhead, isCurrent, isFinal, statusAt } from "./list.js";
import { Refusal, badSignature, unknownKey } from "./refusal.js";
import { readText } from "./text.js";
import { verifyWith } from "./token.js";

const LEEWAY = 60; // seconds
const SCREEN_LEEWAY = 120; // seconds

/** Returns the verdict about a text at now (Unix seconds). trusted has what a bundle vouches for. Never throws. */
export async function verdictOf(text, trusted, now) {
  try {
    if (now >= trusted.exp) throw unknownKey("the key set has expired: refresh it");
    const { code, key, shown } = await codeOf(text, trusted.keys);
    return judge(code, key, shown, trusted.lists, now);
  } catch (error) {
    const reason = error instanceof Refusal ? error.reason : "malformed"; // anything unforeseen is malformed, never ok
    return { authentic: false, current: "no", reason, signature_valid: false, detail: error.message, elsewhere: error.elsewhere };
  }
}

/** Tries every key that the text may be by. The last refusal stands when none fits. */
async function codeOf(text, keys) {
  const shown = readText(text);
  const numbered = keys.filter((key) => key.number === shown.key);
  if (numbered.length === 0) throw unknownKey(`no key has the number ${shown.key}`);
  let refused = badSignature(); // a token may name an algorithm that is none of the keys'
  for (const key of numbered) {
    if (shown.token && shown.token.alg !== key.alg) continue;
    try {
      return { code: await verifyWith(shown, key), key, shown };
    } catch (error) {
      refused = error;
    }
  }
  throw refused;
}

function judge(code, key, shown, lists, now) {
  const vouched = {
    signature_valid: true, form: formOf(code, shown), issuer: key.issuer, kid: key.kid, uscc: code.uscc, tier: code.tier, colour: code.colour,
    at_issue: true, model: code.model, issued_at: isoTime(code.iat), expires_at: isoTime(code.exp), idx: code.index,
  };
  const untimely = code.seconds ? screenTime(code, now) : printedTime(code, now);
  if (untimely) return { authentic: false, current: "no", reason: untimely, ...vouched };
  return { ...currency(code, key, lists, now), ...vouched };
}

function formOf(code, shown) {
  if (shown.token) return "jwt";
  return code.seconds ? "screen" : "printed";
}

function printedTime(code, now) {
  if (now >= code.exp) return "expired";
  return code.iat > now + LEEWAY ? "not_yet_valid" : undefined;
}

/** A code on a screen lives so short that a clock is the likelier fault. */
function screenTime(code, now) {
  if (now >= code.exp + SCREEN_LEEWAY) return "expired";
  return now >= code.exp || code.iat > now + SCREEN_LEEWAY ? "clock" : undefined;
}

/** What the lists say. Revoked and superseded are final whatever the age of the list; everything else needs a list of today. */
function currency(code, key, lists, now) {
  const find = (kind) => lists.find((list) => list.kind === kind && list.issuer === key.issuer && list.number === listOf(code.index));
  const status = find("status");
  if (!status) return unknown(code, "no_list");
  const said = statusAt(status, placeOf(code.index));
  const asOf = { status_as_of: isoTime(status.iat) };
  if (isFinal(said)) return { authentic: false, current: "no", reason: said, ...asOf };
  if (!isCurrent(status, now)) return { ...unknown(code, isAhead(status.iat, now) ? "slow_clock" : "old_list"), ...asOf };
  if (code.iat > status.iat && (said !== "valid" || !code.seconds)) return { ...unknown(code, "new_code"), ...asOf };
  if (said !== "valid") return { authentic: false, current: "no", reason: said, ...asOf };
  return { ...graded(code, find("grade"), now), ...asOf };
}

/** Without today's grade nothing is current: nobody must take the grade at issue for today's. */
function graded(code, list, now) {
  if (!list || !isCurrent(list, now)) return unknown(code, "no_grades");
  const grade = gradeAt(list, placeOf(code.index));
  if (!grade) return unknown(code, "no_grade");
  const newer = code.seconds && code.iat > list.iat;
  return { authentic: true, current: "yes", reason: "ok", grade: newer ? ownGrade(code) : { ...grade, as_of: isoTime(list.iat) } };
}

/** The code is authentic, and nothing more is known. A code that lives for seconds proves its grade as of its own issue. why is ours. */
function unknown(code, why) {
  return { authentic: true, current: "unknown", reason: "stale_list", why, ...(code.seconds && { grade: ownGrade(code) }) };
}

const ownGrade = ({ tier, colour, iat }) => ({ tier, colour, as_of: isoTime(iat) });

const isoTime = (seconds) => new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
