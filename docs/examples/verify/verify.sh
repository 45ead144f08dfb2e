#!/usr/bin/env bash
# Verifies a health code in its JWT form with the command jose and the issuer's published keys: bash verify.sh jwks.json JWT
set -euo pipefail
jwks=$1 token=$2

refuse() { echo "not valid: $1" >&2; exit 1; }
text() { jose fmt -j "$1" "${@:2}" -u-; }   # a member that is a text
number() { jose fmt -j "$1" "${@:2}" -o-; } # a member that is a number, or a whole object

header=$(printf %s "${token%%.*}" | jose b64 dec -i - -O - 2> /dev/null) || refuse "not a token"
[[ $header =~ ^\{\"alg\":\"ES256\",\"kid\":\"([1-9][0-9]{0,2})\",\"typ\":\"qc\+jwt\"\}$ ]] || refuse "not a health code"
kid=${BASH_REMATCH[1]} n=0
while key=$(number "$jwks" -g keys -g $n 2> /dev/null) && [ "$(text "$key" -g kid)" != "$kid" ]; do n=$((n + 1)); done
[ -n "$key" ] || refuse "unknown key"
payload=$(jose jws ver -i "$token" -k - -O- <<< "$key" 2> /dev/null) || refuse "signature"
now=$(date +%s) exp=$(number "$payload" -g exp) iat=$(number "$payload" -g iat) || refuse "no dates"
[ "$(text "$payload" -g iss)" = "$(text "$key" -g iss)" ] || refuse "not by the issuer of this key"
[ "$now" -lt "${exp:-0}" ] || refuse "expired"
[ "$iat" -le $((now + 60)) ] || refuse "dated in the future"
echo "$(text "$payload" -g sub) $(text "$payload" -g qc -g tier) $(text "$payload" -g qc -g colour) at issue"
