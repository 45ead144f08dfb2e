// JSON in which no object has a member twice: two readers could take it for two different things.

const MAX_DEPTH = 32;

/** Parses JSON. Throws when it is none, nests too deep, or has a member twice; names that differ in capitals alone count as the same. */
export function parseOnce(text) {
  const value = JSON.parse(text); // from here on the text is known to be JSON
  refuseTwice(text);
  return value;
}

function refuseTwice(text) {
  const open = []; // for each object that is open the names seen, for each list null
  let name = false; // whether the next string is a member's name
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]/g)) {
    if (token === "{" || token === "[") {
      open.push(token === "{" ? new Set() : null);
      if (open.length > MAX_DEPTH) throw new Error("nested too deep");
      name = token === "{";
    } else if (token === "}" || token === "]") {
      open.pop();
      name = false;
    } else if (token === ",") {
      name = open.at(-1) !== null;
    } else if (token === ":") {
      name = false;
    } else if (name) {
      note(open.at(-1), JSON.parse(token).toLowerCase());
    }
  }
}

function note(seen, name) {
  if (seen.has(name)) throw new Error("a member stands twice");
  seen.add(name);
}
