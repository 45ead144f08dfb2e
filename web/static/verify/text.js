// From the text of a QR code to a code that is not verified yet (docs/formats.md 1.6, steps 1 to 5).

import { decodeText, encodeText } from "./base64url.js";
import { unpack } from "./packed.js";
import { malformed, unknownKey } from "./refusal.js";
import { header } from "./template.js";

const MAX_TEXT = 1024; // bytes
const LABEL = /^[0-9A-Za-z](?:[0-9A-Za-z-]*[0-9A-Za-z])?$/;

/** Returns {core, key, packed} or {core, key, token}. core is what follows /v/. */
export function readText(text) {
  if (new TextEncoder().encode(text).length > MAX_TEXT) throw malformed(`it has more than ${MAX_TEXT} bytes`);
  const core = cutURL(text);
  return core.includes(".") ? readToken(core) : readPacked(core);
}

/** Returns what follows /v/. Scheme and host may be in capitals: some scanners write them so. The host is not trusted and not compared. */
export function cutURL(text) {
  const end = text.indexOf("://");
  if (end < 0) return text;
  if (!/^https?$/i.test(text.slice(0, end))) throw malformed("it is a link, but not to a web page");
  const rest = text.slice(end + 3);
  const path = rest.indexOf("/v/");
  if (path < 0 || !isHost(rest.slice(0, path))) throw malformed("it is a link, but not https://HOST/v/…");
  return rest.slice(path + 3);
}

/** Whether a text is a host with an optional port, in ASCII. */
export function isHost(text) {
  const [, name, port] = /^([^:]*)(?::(.*))?$/s.exec(text);
  if (port !== undefined && !/^[0-9]{1,5}$/.test(port)) return false;
  return name.split(".").every((label) => LABEL.test(label));
}

function readPacked(core) {
  const packed = unpack(core);
  return { core, key: packed.code.key, packed };
}

/** The header must be the template's, byte for byte: so crit, another typ or a member twice is refused here. */
function readToken(core) {
  if (!/^[A-Za-z0-9_.-]*$/.test(core)) throw malformed("a character does not belong in a JWT");
  const parts = core.split(".");
  const read = headerOf(parts[0]);
  if (parts.length !== 3) throw malformed("a JWT has three parts");
  if (parts[0] !== encodeText(header(read.alg, read.kid))) throw malformed("its header is not that of a health code");
  const key = keyNumber(read.kid);
  if (key === 0) throw unknownKey("its kid is not a number of 1 to 255");
  return { core, key, token: { alg: read.alg, parts } };
}

function headerOf(segment) {
  try {
    const read = JSON.parse(decodeText(segment));
    if (typeof read.alg === "string" && typeof read.kid === "string") return read;
  } catch { /* said below */ }
  throw malformed("it is not a JWT");
}

/** The number of a kid: 1 to 255 in decimal without leading zeros; 0 when it is none. */
export function keyNumber(kid) {
  return typeof kid === "string" && /^[1-9][0-9]{0,2}$/.test(kid) && Number(kid) <= 255 ? Number(kid) : 0;
}
