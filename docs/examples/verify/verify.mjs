// Verifies a health code in its JWT form with npm's jose and the issuer's published keys: node verify.mjs jwks.json JWT
import { readFileSync } from "node:fs";
import { createLocalJWKSet, jwtVerify } from "jose";

const [jwksFile, token] = process.argv.slice(2);
try {
  if (!/^[A-Za-z0-9_.-]{1,1024}$/.test(token)) throw new Error("not a token");
  const jwks = JSON.parse(readFileSync(jwksFile, "utf8"));
  const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet(jwks), {
    algorithms: ["ES256"], typ: "qc+jwt", requiredClaims: ["iss", "sub", "iat", "exp", "qc"],
  });
  const key = jwks.keys.find((k) => k.kid === protectedHeader.kid);
  if (payload.iss !== key.iss) throw new Error("not by the issuer of this key");
  if (payload.iat > Date.now() / 1000 + 60) throw new Error("dated in the future");
  console.log(payload.sub, payload.qc.tier, payload.qc.colour, "at issue");
} catch (problem) {
  console.error("not valid:", problem.message);
  process.exit(1);
}
