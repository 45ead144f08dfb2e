// base64url without padding (RFC 7515), strictly: bytes have one spelling.

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

const VALUES = new Int8Array(128).fill(-1);
for (let i = 0; i < ALPHABET.length; i++) VALUES[ALPHABET.charCodeAt(i)] = i;

/** Returns the bytes. Throws at any other character, at padding, and at set bits that count for nothing. */
export function decode(text) {
  const rest = text.length % 4;
  if (rest === 1) throw new Error("base64url cannot have this length");
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let bits = 0, count = 0, at = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const value = code < 128 ? VALUES[code] : -1;
    if (value < 0) throw new Error("a character is not of base64url");
    bits = ((bits << 6) | value) & 0xffff;
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes[at++] = (bits >> count) & 0xff;
    }
  }
  if ((bits & ((1 << count) - 1)) !== 0) throw new Error("bits at the end count for nothing");
  return bytes;
}

export function encode(bytes) {
  let text = "", bits = 0, count = 0;
  for (const byte of bytes) {
    bits = ((bits << 8) | byte) & 0xffff;
    count += 8;
    while (count >= 6) {
      count -= 6;
      text += ALPHABET[(bits >> count) & 63];
    }
  }
  return count > 0 ? text + ALPHABET[(bits << (6 - count)) & 63] : text;
}

/** The base64url of a text's UTF-8 bytes. */
export const encodeText = (text) => encode(new TextEncoder().encode(text));

/** The text of base64url. Throws when the bytes are not UTF-8. */
export const decodeText = (text) => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(decode(text));
