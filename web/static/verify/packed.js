// The packed form: 220 decimal digits are 91 bytes (docs/formats.md 1.3 and 1.4).

import { COLOURS, SECONDS_PER_DAY, TIERS, fault } from "./code.js";
import { Refusal, malformed } from "./refusal.js";

const DIGITS = /^[0-9]{220}$/;
const SIZE = 91;
const CONTENT = 27;
const BASE36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const USCC_RANGE = 36n ** 18n;

/** Takes digits apart into a code and its signature. Nothing that it returns has been verified. */
export function unpack(digits) {
  if (!DIGITS.test(digits)) throw malformed("a packed code has exactly 220 digits");
  const bytes = bytesOf(BigInt(digits));
  if (bytes[0] !== 1) throw new Refusal("unsupported_version", `the code is of version ${bytes[0]}, which is not known here`);
  const code = fieldsOf(new DataView(bytes.buffer));
  const wrong = fault(code);
  if (wrong) throw malformed(wrong);
  return { code, signature: bytes.slice(CONTENT) };
}

function bytesOf(number) {
  if (number >> BigInt(SIZE * 8)) throw malformed("the number is too large");
  const hex = number.toString(16).padStart(SIZE * 2, "0");
  return Uint8Array.from({ length: SIZE }, (_, i) => parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}

function fieldsOf(view) {
  const iat = view.getUint32(14);
  const lifetime = view.getUint16(18);
  const grade = view.getUint8(20);
  return {
    key: view.getUint8(1),
    uscc: usccOf(view),
    iat,
    exp: iat + (lifetime & 0x8000 ? lifetime & 0x7fff : lifetime * SECONDS_PER_DAY),
    seconds: (lifetime & 0x8000) !== 0,
    tier: TIERS[grade & 15],
    colour: COLOURS[grade >> 4],
    model: view.getUint16(21),
    index: view.getUint32(23),
  };
}

function usccOf(view) {
  let number = (BigInt(view.getUint32(2)) << 64n) | view.getBigUint64(6);
  if (number >= USCC_RANGE) throw malformed("the USCC is not 18 characters of GB 32100");
  let text = "";
  for (let i = 0; i < 18; i++) {
    text = BASE36[Number(number % 36n)] + text;
    number /= 36n;
  }
  return text;
}
