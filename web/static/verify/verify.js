// The verdict about one text: authentic? current? grade as of when? (docs/formats.md 1.7)

import { listOf, placeOf } from "./code.js";
import { gradeAt, isCurrent, statusAt } from "./list.js";
import { Refusal, unknownKey } from "./refusal.js";
import { readText } from "./text.js";
import { verifyWith } from "./token.js";

const LEEWAY = 60; // seconds
const SCREEN_LEEWAY = 120; // seconds

/** Returns the verdict about a text at now (Unix seconds). trusted has keys and lists that were verified before. Never throws. */
export async function verdictOf(text, trusted, now) {
  try {
    const { code, key, shown } = await codeOf(text, trusted.keys);
    return judge(code, key, shown, trusted.lists, now);
  } catch (error) {
    const reason = error instanceof Refusal ? error.reason : "malformed"; // anything unforeseen is malformed, never ok
    return { authentic: false, current: "no", reason, signature_valid: false, detail: error.message, elsewhere: error.elsewhere };
  }
}

/** Tries every key of the code's number. The last refusal stands when none fits. */
async function codeOf(text, keys) {
  const shown = readText(text);
  let refused = unknownKey(`no key has the number ${shown.key}`);
  for (const key of keys.filter((one) => one.number === shown.key)) {
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

/** What the lists say. A grade never comes from a list that is not current. */
function currency(code, key, lists, now) {
  const find = (kind) => lists.find((list) => list.kind === kind && list.issuer === key.issuer && list.number === listOf(code.index));
  const status = find("status"), grades = find("grade");
  const place = placeOf(code.index);
  const asOf = status ? { status_as_of: isoTime(status.iat) } : {};
  const said = status ? statusAt(status, place) : "valid";
  if (said !== "valid") return { authentic: false, current: "no", reason: said, ...asOf };
  const own = code.seconds ? { grade: { tier: code.tier, colour: code.colour, as_of: isoTime(code.iat) } } : {};
  if (!status || !isCurrent(status, now) || code.iat > status.iat) return { authentic: true, current: "unknown", reason: "stale_list", ...asOf, ...own };
  const grade = grades && isCurrent(grades, now) ? gradeAt(grades, place) : null;
  const live = grade ? { grade: { ...grade, as_of: isoTime(grades.iat) } } : {};
  return { authentic: true, current: "yes", reason: "ok", ...asOf, ...own, ...live };
}

const isoTime = (seconds) => new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
