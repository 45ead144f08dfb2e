// Taking a bundle in. Nothing ever goes back in time: an older list may hide a revocation.

import { isAhead } from "./list.js";
import { Refusal } from "./refusal.js";

/**
 * Returns {trusted, memory}: what of a verified bundle may be used at now, and the memory with its iats: {key_set, lists: {sub: iat}}.
 * Lists that have expired are used: they still say what was revoked for good. Lists dated ahead are passed over and not remembered: a wrong
 * clock must not make the right lists of tomorrow look old. Throws a Refusal: expired or not_yet_valid for the key set, rollback for a key
 * set or list that is older than one seen before.
 */
export function takeIn(bundle, memory, now) {
  if (now >= bundle.exp) throw new Refusal("expired", "the key set has expired");
  if (isAhead(bundle.iat, now)) throw new Refusal("not_yet_valid", "the key set is dated in the future: is the clock right?");
  if (bundle.iat < (memory?.key_set ?? 0)) throw new Refusal("rollback", "the key set is older than one seen before");
  const lists = bundle.lists.filter((list) => !isAhead(list.iat, now));
  const seen = { ...memory?.lists };
  for (const { sub, iat } of lists) {
    if (iat < (seen[sub] ?? 0)) throw new Refusal("rollback", `${sub} is older than one seen before`);
    seen[sub] = iat;
  }
  return { trusted: { ...bundle, lists }, memory: { key_set: bundle.iat, lists: seen } };
}
