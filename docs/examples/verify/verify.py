"""Verifies a health code in its JWT form with PyJWT and the issuer's published keys: python3 verify.py jwks.json JWT"""
import json
import re
import sys

import jwt  # Debian: python3-jwt and python3-cryptography


def verify(jwks_file, token):
    if not re.fullmatch("[A-Za-z0-9_.-]{1,1024}", token):
        raise ValueError("not a token")
    header = jwt.get_unverified_header(token)
    if header.get("typ") != "qc+jwt" or "crit" in header:
        raise ValueError("not a health code")
    with open(jwks_file, encoding="utf-8") as file:
        key = next((k for k in json.load(file)["keys"] if k["kid"] == header.get("kid") and k["alg"] == "ES256"), None)
    if key is None:
        raise ValueError("unknown key")
    return jwt.decode(token, jwt.PyJWK(key).key, algorithms=["ES256"], issuer=key["iss"],
                      options={"require": ["iss", "sub", "iat", "exp"]})


if __name__ == "__main__":
    try:
        claims = verify(*sys.argv[1:])
    except (jwt.PyJWTError, ValueError) as problem:
        sys.exit(f"not valid: {problem}")
    print(claims["sub"], claims["qc"]["tier"], claims["qc"]["colour"], "at issue")
