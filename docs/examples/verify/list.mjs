// Says what a status list or a grade list says about one place: node list.mjs jwks.json LIST PLACE [URI]
// LIST is a file with the text of ISSUER/lists/status/N or ISSUER/lists/grade/N. PLACE is status.status_list.idx of the code; its uri names
// the status list, and with /grade/ for /status/ the grade list.
import { readFileSync } from "node:fs";
import { inflateSync } from "node:zlib";
import { createLocalJWKSet, jwtVerify } from "jose";

const statuses = ["valid", "revoked", "suspended", "superseded"];
const colours = ["none", "green", "blue", "yellow", "red"];
const tiers = ["NEW", "AA", "A", "B", "C"];
const kinds = { "statuslist+jwt": ["status_list", 2], "qc-gradelist+jwt": ["grade_list", 8] };

const [jwksFile, listFile, place, uri] = process.argv.slice(2);
try {
  const jwks = JSON.parse(readFileSync(jwksFile, "utf8"));
  const { payload, protectedHeader } = await jwtVerify(readFileSync(listFile, "utf8").trim(), createLocalJWKSet(jwks), {
    algorithms: ["ES256"], subject: uri, requiredClaims: ["iss", "sub", "iat", "exp"],
  });
  const [claim, bits] = kinds[protectedHeader.typ] ?? [];
  if (!claim || payload[claim].bits !== bits) throw new Error("not a list");
  if (payload.iss !== jwks.keys.find((k) => k.kid === protectedHeader.kid).iss) throw new Error("not by the issuer of this key");
  const bytes = inflateSync(Buffer.from(payload[claim].lst, "base64url"), { maxOutputLength: 2 ** 17 * bits }); // 2^20 codes, never more
  const idx = Number(place);
  if (!(Number.isInteger(idx) && idx >= 0 && idx < (bytes.length * 8) / bits)) throw new Error("no such place");
  const said = bits === 2
    ? statuses[(bytes[idx >> 2] >> ((idx & 3) * 2)) & 3] // the first code is in the lowest bits
    : `${colours[bytes[idx] >> 4]} ${tiers[bytes[idx] & 15]}`;
  console.log(said, "as of", new Date(payload.iat * 1000).toISOString().replace(".000", ""));
} catch (problem) {
  console.error("not valid:", problem.message);
  process.exit(1);
}
