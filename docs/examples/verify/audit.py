"""Checks an export of the audit log, and holds it against a checkpoint that you kept: python3 audit.py audit.ndjson [jwks.json CHECKPOINT.jwt]

Each line of the export is {"line": TEXT, "hash": HEX}; the hash is SHA-256 of the hash before (32 bytes, zero at first) and the bytes of TEXT."""
import hashlib
import json
import sys


def chain(path):
    hashes = ["00" * 32]
    with open(path, encoding="utf-8") as file:
        for text in file:
            entry = json.loads(text)
            digest = hashlib.sha256(bytes.fromhex(hashes[-1]) + entry["line"].encode()).hexdigest()
            if digest != entry["hash"] or json.loads(entry["line"])["number"] != len(hashes):
                raise ValueError(f"line {len(hashes)} was changed, removed, inserted or reordered")
            hashes.append(digest)
    return hashes


def checkpoint(jwks_file, path):
    import jwt  # Debian: python3-jwt and python3-cryptography
    with open(path, encoding="ascii") as file:
        token = file.read().strip()
    header = jwt.get_unverified_header(token)
    with open(jwks_file, encoding="utf-8") as file:
        key = next((k for k in json.load(file)["keys"] if k["kid"] == header["kid"] and k["alg"] == "ES256"), None)
    if key is None or header["typ"] != "audit-checkpoint+jwt" or "crit" in header:
        raise ValueError("not a checkpoint by a key of the set")
    return jwt.decode(token, jwt.PyJWK(key).key, algorithms=["ES256"], issuer=key["iss"])["checkpoint"]


if __name__ == "__main__":
    hashes = chain(sys.argv[1])
    if len(sys.argv) > 2:
        point = checkpoint(*sys.argv[2:])
        if hashes[point["number"]:point["number"] + 1] != [point["hash"]]:
            sys.exit(f"the log is not the one of checkpoint {point['number']}: it was rewritten or cut")
    print(len(hashes) - 1, "lines, the last hash is", hashes[-1])
