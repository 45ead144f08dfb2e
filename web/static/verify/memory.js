// The newest iat seen of the key set and of each list. Nothing ever goes back in time: an older one may hide a revocation.

/** The name under which the key set's iat is remembered; a list's is its sub. */
const KEY_SET = "key_set";

const entries = (bundle) => [[KEY_SET, bundle.iat], ...bundle.lists.map((list) => [list.sub, list.iat])];

/** Returns the memory with the bundle's iats added. Throws when one of them is older than what was seen. */
export function remember(memory, bundle) {
  const newer = { ...memory };
  for (const [name, iat] of entries(bundle)) {
    if (iat < (newer[name] ?? 0)) throw new Error(`${name} is older than one that was seen before`);
    newer[name] = iat;
  }
  return newer;
}
