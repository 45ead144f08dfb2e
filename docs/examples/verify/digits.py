"""Turns the digits of a printed code into its JWT, which verify.py and every other JOSE library then check:
python3 digits.py jwks.json https://HOST/v/DIGITS"""
import base64
import json
import struct
import sys

TIERS = ["NEW", "AA", "A", "B", "C"]
COLOURS = [None, "green", "blue", "yellow", "red"]


def rebuild(jwks_file, text):
    digits = text.rsplit("/v/", 1)[-1]
    if len(digits) != 220 or not (digits.isascii() and digits.isdecimal()) or int(digits) >> 728:
        raise ValueError("not a printed code")
    packed = int(digits).to_bytes(91, "big")
    version, key_number, number, iat, life, grade, model, index = struct.unpack(">BB12sIHBHI", packed[:27])
    if version != 1:
        raise ValueError("another version")
    with open(jwks_file, encoding="utf-8") as file:
        key = next((k for k in json.load(file)["keys"] if k["kid"] == str(key_number)), None)
    if key is None:
        raise ValueError("unknown key")
    exp = iat + (life & 0x7FFF if life & 0x8000 else life * 86400)
    issuer = key["iss"]
    colour, tier = grade >> 4, grade & 15
    if not 1 <= colour <= 4 or tier > 4:
        raise ValueError("not a printed code")
    header = f'{{"alg":"{key["alg"]}","kid":"{key_number}","typ":"qc+jwt"}}'
    payload = (f'{{"iss":"{issuer}","sub":"{base36(number)}","iat":{iat},"exp":{exp},'
               f'"qc":{{"v":1,"tier":"{TIERS[tier]}","colour":"{COLOURS[colour]}","model":{model}}},'
               f'"status":{{"status_list":{{"idx":{index & 0xFFFFF},"uri":"{issuer}/lists/status/{index >> 20}"}}}}}}')
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (header.encode(), payload.encode(), packed[27:]))


def base36(number):
    value, text = int.from_bytes(number, "big"), ""
    for _ in range(18):
        value, digit = divmod(value, 36)
        text = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[digit] + text
    if value:
        raise ValueError("not a printed code")
    return text


if __name__ == "__main__":
    try:
        print(rebuild(*sys.argv[1:]))
    except ValueError as problem:
        sys.exit(f"not valid: {problem}")
