"""Says what a status list or a grade list says about one place: python3 list.py jwks.json LIST PLACE [URI]

LIST is a file with the text of ISSUER/lists/status/N or ISSUER/lists/grade/N. PLACE is status.status_list.idx of the code; its uri names
the status list, and with /grade/ for /status/ the grade list."""
import base64
import datetime
import json
import sys
import zlib

import jwt  # Debian: python3-jwt and python3-cryptography

STATUSES = ["valid", "revoked", "suspended", "superseded"]
COLOURS = ["none", "green", "blue", "yellow", "red"]
TIERS = ["NEW", "AA", "A", "B", "C"]
KINDS = {"statuslist+jwt": ("status_list", 2), "qc-gradelist+jwt": ("grade_list", 8)}


def read_list(jwks_file, list_file, uri=None):
    with open(list_file, encoding="ascii") as file:
        token = file.read().strip()
    header = jwt.get_unverified_header(token)
    if header.get("typ") not in KINDS or "crit" in header:
        raise ValueError("not a list")
    with open(jwks_file, encoding="utf-8") as file:
        key = next((k for k in json.load(file)["keys"] if k["kid"] == header.get("kid") and k["alg"] == "ES256"), None)
    if key is None:
        raise ValueError("unknown key")
    claims = jwt.decode(token, jwt.PyJWK(key).key, algorithms=["ES256"], issuer=key["iss"], leeway=5,  # clocks differ
                        options={"require": ["iss", "sub", "iat", "exp"]})
    name, bits = KINDS[header["typ"]]
    if uri is not None and claims["sub"] != uri or claims[name]["bits"] != bits:
        raise ValueError("another list")
    return claims["iat"], bits, inflate(claims[name]["lst"], 2**17 * bits)


def inflate(packed, limit):
    inflater = zlib.decompressobj()
    data = inflater.decompress(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)), limit)
    if inflater.decompress(inflater.unconsumed_tail, 1) or not inflater.eof:  # 2^20 codes, never more
        raise ValueError("the list is too long")
    return data


def said(data, bits, place):
    if not 0 <= place < len(data) * 8 // bits:
        raise ValueError("no such place")
    if bits == 2:
        return STATUSES[data[place >> 2] >> (place & 3) * 2 & 3]  # the first code is in the lowest bits
    return f"{COLOURS[data[place] >> 4]} {TIERS[data[place] & 15]}"


if __name__ == "__main__":
    try:
        iat, width, entries = read_list(sys.argv[1], sys.argv[2], *sys.argv[4:])
        print(said(entries, width, int(sys.argv[3])), "as of", datetime.datetime.fromtimestamp(iat, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"))
    except (jwt.PyJWTError, ValueError, zlib.error) as problem:
        sys.exit(f"not valid: {problem}")
