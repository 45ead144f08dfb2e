// Taking a bundle in. Nothing ever goes back in time: an older list may hide a revocation.

import { isAhead } from "./list.js";

/** Why a verified bundle is not taken in: rollback, expired or not_yet_valid. */
export class Untimely extends Error {
  constructor(word, message) {
    super(message);
    this.word = word;
  }
}

/**
 * Returns {trusted, memory}: what of a verified bundle may be used at now, and the memory with its iats: {key_set, lists: {sub: iat}}.
 * Lists that have expired are used: they still say what was revoked for good. Lists dated ahead are passed over and not remembered: a wrong
 * clock must not make the right lists of tomorrow look old. Throws Untimely for a key set that has expired, is dated ahead, or is older than
 * one seen before, and for a list that is.
 */
export function takeIn(bundle, memory, now) {
  if (now >= bundle.exp) throw new Untimely("expired", "the key set has expired");
  if (isAhead(bundle.iat, now)) throw new Untimely("not_yet_valid", "the key set is dated in the future: is the clock right?");
  if (bundle.iat < (memory?.key_set ?? 0)) throw new Untimely("rollback", "the key set is older than one seen before");
  const lists = bundle.lists.filter((list) => !isAhead(list.iat, now));
  const seen = { ...memory?.lists };
  for (const { sub, iat } of lists) {
    if (iat < (seen[sub] ?? 0)) throw new Untimely("rollback", `${sub} is older than one seen before`);
    seen[sub] = iat;
  }
  return { trusted: { ...bundle, lists }, memory: { key_set: bundle.iat, lists: seen } };
}
