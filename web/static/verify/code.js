// What a code may say: the ranges of docs/formats.md 1.1.

export const TIERS = ["NEW", "AA", "A", "B", "C"];
export const COLOURS = [undefined, "green", "blue", "yellow", "red"];
export const SECONDS_PER_DAY = 86400;

const LIST_BITS = 20;
const LIST_MASK = (1 << LIST_BITS) - 1;
const MAX_UINT32 = 0xffffffff;
const USCC = /^[0-9ABCDEFGHJKLMNPQRTUWXY]{18}$/;

/** The number of the lists that an index belongs to, and its place within them. */
export const listOf = (index) => index >>> LIST_BITS;
export const placeOf = (index) => index & LIST_MASK;
export const indexOf = (list, place) => list * (LIST_MASK + 1) + place;

/** A code lives under 32768 seconds, or whole days. Returns whether so many seconds are a lifetime. */
function isLifetime(seconds) {
  if (seconds > 0 && seconds < 0x8000) return true;
  return seconds > 0 && seconds % SECONDS_PER_DAY === 0 && seconds / SECONDS_PER_DAY < 0x8000;
}

/** Returns what is wrong with a code's fields, or nothing. */
export function fault(code) {
  if (code.key < 1) return "the key number is 0";
  if (!USCC.test(code.uscc)) return "the USCC is not 18 characters of GB 32100";
  if (!isLifetime(code.exp - code.iat)) return "the lifetime is none";
  if (code.exp > MAX_UINT32) return "it ends after 2106";
  if (!TIERS.includes(code.tier)) return "the tier is none";
  if (!code.colour || !COLOURS.includes(code.colour)) return "the colour is none";
  if (!isWhole(code.model, 1, 0xffff)) return "the model is none";
  if (!isWhole(code.index, 0, MAX_UINT32)) return "the index is out of range";
  return undefined;
}

export const isWhole = (value, low, high) => Number.isSafeInteger(value) && value >= low && value <= high;
export const isTime = (value) => isWhole(value, 0, MAX_UINT32);
