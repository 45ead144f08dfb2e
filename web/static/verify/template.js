// The frozen bytes of a token of version 1 (docs/formats.md 1.2). A signature counts over exactly these.

import { encodeText } from "./base64url.js";
import { listOf, placeOf } from "./code.js";

export const header = (alg, kid) => `{"alg":"${alg}","kid":"${kid}","typ":"qc+jwt"}`;

export const payload = (issuer, code) =>
  `{"iss":"${issuer}","sub":"${code.uscc}","iat":${code.iat},"exp":${code.exp},` +
  `"qc":{"v":1,"tier":"${code.tier}","colour":"${code.colour}","model":${code.model}},` +
  `"status":{"status_list":{"idx":${placeOf(code.index)},"uri":"${issuer}/lists/status/${listOf(code.index)}"}}}`;

/** header "." payload in base64url: what is signed. */
export const signingInput = (key, code) => `${encodeText(header(key.alg, key.kid))}.${encodeText(payload(key.issuer, code))}`;
