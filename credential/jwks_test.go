package credential_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"healthcode/credential"

	"pgregory.net/rapid"
)

// Points of RFC 7638 vectors used elsewhere (SMART Health Cards), with their thumbprints.
const (
	shcX1, shcY1 = "11XvRWy1I2S0EyJlyf_bWfw_TQ5CJJNLw78bHXNxcgw", "eZXwxvO1hvCY0KucrPfKo7yAyMT6Ajc3N7OkAB6VYy8"
	shcX2, shcY2 = "PQHApUWm94mflvswQgAnfHlETMwJFqjUVSs7WU6LQy4", "7mj8IO-8V5VZjDbRVsJINC_Rq5ai5CDhFX18ceRsLWQ"
)

// jwk writes a key for codes; more are further members with a leading comma.
func jwk(kid, x, y, more string) string {
	return fmt.Sprintf(`{"kty":"EC","crv":"P-256","x":%q,"y":%q,"kid":%q,"alg":"ES256","use":"sig","iss":%q%s}`, x, y, kid, testIssuer, more)
}

func keys(list ...string) string { return `{"keys":[` + strings.Join(list, ",") + `]}` }

func TestThumbprintVectors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ x, y, want string }{
		"first":  {shcX1, shcY1, "3Kfdg-XwP-7gXyywtUfUADwBumDOPKMQx-iELL11W9s"},
		"second": {shcX2, shcY2, "EBKOr72QQDcTBUuVzAzkfBTGew0ZA16GuWty64nS-sw"},
	} {
		set, err := credential.ParseKeySet([]byte(keys(jwk("1", c.x, c.y, `,"thumbprint":"`+c.want+`"`))))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for key := range set.All() {
			if got, err := key.Thumbprint(); got != c.want || err != nil {
				t.Errorf("%s: got %s, %v; want %s", name, got, err, c.want)
			}
		}
	}
}

func TestKeySetAsJSONIsFrozen(t *testing.T) {
	t.Parallel()
	key := *mustKey(t, 7, testIssuer, 1).PublicKey()
	key.NotBefore, key.NotAfter = issuedAt, issuedAt.Add(time.Hour)
	got, err := json.Marshal(mustSet(t, key, *mustKey(t, 8, testIssuer, 2).PublicKey()))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"keys":[` +
		`{"kty":"EC","crv":"P-256","x":"axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY","y":"T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU",` +
		`"kid":"7","alg":"ES256","use":"sig","iss":"https://q.example.gov.cn",` +
		`"thumbprint":"xx0BcA-wMohw8atYDJOe6peGModklG2wRHBlXHMvl0M","nbf":1795314800,"naf":1795318400},` +
		`{"kty":"EC","crv":"P-256","x":"fPJ7GI0DT36KUjgDBLUaw8CJaeJ38hs1pgtI_EdmmXg","y":"B3dVENuO0EApPZrGn3Qw27p9reY86YIpngS3nSJ4c9E",` +
		`"kid":"8","alg":"ES256","use":"sig","iss":"https://q.example.gov.cn",` +
		`"thumbprint":"AhqHzaYXA5MzmDCrsseUsVBGKyfhDhvekx0THjH_xIE"}]}`
	if string(got) != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestEmptyKeySetAsJSON(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]*credential.KeySet{"nil": nil, "empty": mustSet(t)} {
		if got, err := set.MarshalJSON(); string(got) != `{"keys":[]}` || err != nil {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
}

func TestKeySetRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var list []credential.PublicKey
		for range rapid.IntRange(1, 4).Draw(t, "keys") {
			key, err := credential.NewKey(rapid.Uint8Min(1).Draw(t, "number"), testIssuer, issuedAt)
			if err != nil {
				t.Fatal(err)
			}
			public := *key.PublicKey()
			if rapid.Bool().Draw(t, "dated") {
				public.NotBefore = time.Unix(rapid.Int64Range(0, 1<<31).Draw(t, "nbf"), 0).UTC()
				public.NotAfter = time.Unix(rapid.Int64Range(1<<31, 1<<32-1).Draw(t, "naf"), 0).UTC()
			}
			list = append(list, public)
		}
		set, err := credential.NewKeySet(list...)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(set)
		if err != nil {
			t.Fatal(err)
		}
		back, err := credential.ParseKeySet(text)
		if err != nil {
			t.Fatal(err)
		}
		again, err := json.Marshal(back)
		if err != nil || string(again) != string(text) {
			t.Fatalf("%s\nis read as\n%s, %v", text, again, err)
		}
	})
}

func TestPublicKeyAsJSON(t *testing.T) {
	t.Parallel()
	key := mustKey(t, 7, testIssuer, 1).PublicKey()
	text, err := json.Marshal(key)
	if err != nil {
		t.Fatal(err)
	}
	var back credential.PublicKey
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	issued := mustIssue(t, mustKey(t, 7, testIssuer, 1), testCode())
	if v := credential.Verify(issued.URL, mustSet(t, back), issuedAt); !v.Authentic {
		t.Errorf("the key that was read does not verify: %+v", v)
	}
	for name, bad := range map[string]string{
		"twice":     strings.Replace(string(text), `"kid":"7"`, `"kid":"7","kid":"8"`, 1),
		"other use": strings.Replace(string(text), `"use":"sig"`, `"use":"enc"`, 1),
		"a list":    `[]`,
	} {
		if err := json.Unmarshal([]byte(bad), &back); !errors.Is(err, credential.ErrKeySet) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParseKeySetPassesOverOtherKeys(t *testing.T) {
	t.Parallel()
	const mine = 1
	for name, other := range map[string]string{
		"RSA":                   `{"kty":"RSA","kid":"2","alg":"RS256","use":"sig","n":"AQAB","e":"AQAB"}`,
		"symmetric":             `{"kty":"oct","kid":"3","alg":"HS256","use":"sig","k":"AAAA"}`,
		"an SM2 name of others": `{"kty":"EC","crv":"SM2","kid":"4","alg":"GmSM2","use":"sig","iss":"` + testIssuer + `","x":"AA","y":"AA"}`,
		"for encryption":        strings.Replace(jwk("5", shcX1, shcY1, ""), `"sig"`, `"enc"`, 1),
		"no use":                strings.Replace(jwk("5", shcX1, shcY1, ""), `"use":"sig",`, ``, 1),
		"no alg":                strings.Replace(jwk("5", shcX1, shcY1, ""), `"alg":"ES256",`, ``, 1),
		"a kid in words":        jwk("root", shcX1, shcY1, ""),
		"kid 0":                 jwk("0", shcX1, shcY1, ""),
		"kid 256":               jwk("256", shcX1, shcY1, ""),
		"kid 01":                jwk("01", shcX1, shcY1, ""),
		"kid +1":                jwk("+1", shcX1, shcY1, ""),
		"no kid":                strings.Replace(jwk("1", shcX1, shcY1, ""), `"kid":"1",`, ``, 1),
		"an unknown algorithm":  strings.Replace(jwk("5", shcX1, shcY1, ""), `ES256`, `ES999`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set, err := credential.ParseKeySet([]byte(keys(other, jwk("9", shcX2, shcY2, `,"further":{"x":[1,2]}`))))
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for key := range set.All() {
				n++
				if key.ID() != "9" {
					t.Errorf("took key %s", key.ID())
				}
			}
			if n != mine {
				t.Errorf("%d keys", n)
			}
		})
	}
}

func TestParseKeySetRefuses(t *testing.T) {
	t.Parallel()
	swapped := jwk("1", shcY1, shcX1, "")
	long := jwk("1", "A"+shcX1, shcY1, "")
	for name, text := range map[string]string{
		"empty":                      "",
		"not JSON":                   "hello",
		"cut":                        keys(jwk("1", shcX1, shcY1, ""))[:80],
		"more after it":              keys(jwk("1", shcX1, shcY1, "")) + "{}",
		"a list":                     "[]",
		"null":                       "null",
		"no keys member":             "{}",
		"no keys":                    keys(),
		"keys an object":             `{"keys":{}}`,
		"a key a text":               keys(`"key"`),
		"a key null":                 keys("null"),
		"only a key for another use": keys(`{"kty":"RSA","kid":"2","alg":"RS256","use":"sig"}`),
		"over 1 MiB":                 keys(jwk("1", shcX1, shcY1, "")) + strings.Repeat(" ", credential.MaxKeySet),
		"nested deep":                strings.Repeat(`{"keys":[`, 100000),
		"point off the curve":        keys(swapped),
		"point 0, 0":                 keys(jwk("1", strings.Repeat("A", 43), strings.Repeat("A", 43), "")),
		"coordinate of 33 bytes":     keys(long),
		"coordinate of 31 bytes":     keys(jwk("1", shcX1[:42], shcY1, "")),
		"coordinate padded":          keys(jwk("1", shcX1+"=", shcY1, "")),
		"coordinate with a break":    keys(`{"kty":"EC","crv":"P-256","x":"` + shcX1[:9] + `\n` + shcX1[9:] + `","y":"` + shcY1 + `","kid":"1","alg":"ES256","use":"sig","iss":"` + testIssuer + `"}`),
		"coordinate loose":           keys(jwk("1", shcX1, shcY1[:42]+"9", "")),
		"no y":                       keys(strings.Replace(jwk("1", shcX1, shcY1, ""), `"y":"`+shcY1+`",`, ``, 1)),
		"curve P-384":                keys(strings.Replace(jwk("1", shcX1, shcY1, ""), "P-256", "P-384", 1)),
		"kty OKP":                    keys(strings.Replace(jwk("1", shcX1, shcY1, ""), `"EC"`, `"OKP"`, 1)),
		"no iss":                     keys(strings.Replace(jwk("1", shcX1, shcY1, ""), `"iss"`, `"isx"`, 1)),
		"iss not https":              keys(strings.Replace(jwk("1", shcX1, shcY1, ""), "https:", "ftp:", 1)),
		"iss with a path":            keys(strings.Replace(jwk("1", shcX1, shcY1, ""), testIssuer, testIssuer+"/x", 1)),
		"iss that breaks JSON":       keys(strings.Replace(jwk("1", shcX1, shcY1, ""), testIssuer, `https://a\",\"b`, 1)),
		"kid a number":               keys(strings.Replace(jwk("1", shcX1, shcY1, ""), `"kid":"1"`, `"kid":1`, 1)),
		"kid twice":                  keys(strings.Replace(jwk("1", shcX1, shcY1, ""), `"kid":"1"`, `"kid":"1","kid":"2"`, 1)),
		"iss twice, in case":         keys(jwk("1", shcX1, shcY1, `,"ISS":"https://evil.example"`)),
		"keys twice":                 `{"keys":[],"keys":[` + jwk("1", shcX1, shcY1, "") + `]}`,
		"wrong thumbprint":           keys(jwk("1", shcX1, shcY1, `,"thumbprint":"EBKOr72QQDcTBUuVzAzkfBTGew0ZA16GuWty64nS-sw"`)),
		"a private key":              keys(jwk("1", shcX1, shcY1, `,"d":"AAAA"`)),
		"nbf a text":                 keys(jwk("1", shcX1, shcY1, `,"nbf":"1"`)),
		"nbf negative":               keys(jwk("1", shcX1, shcY1, `,"nbf":-1`)),
		"naf in milliseconds":        keys(jwk("1", shcX1, shcY1, `,"naf":1795314800000`)),
		"naf before nbf":             keys(jwk("1", shcX1, shcY1, `,"nbf":2,"naf":1`)),
		"one good, one broken":       keys(jwk("1", shcX1, shcY1, ""), swapped),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set, err := credential.ParseKeySet([]byte(text))
			if !errors.Is(err, credential.ErrKeySet) || set != nil {
				t.Errorf("got %v, %v", set, err)
			}
		})
	}
}

func FuzzParseKeySet(f *testing.F) {
	f.Add([]byte(keys(jwk("1", shcX1, shcY1, ""), jwk("2", shcX2, shcY2, `,"nbf":1,"naf":2`))))
	f.Add([]byte(keys(`{"kty":"RSA","kid":"2"}`)))
	f.Add([]byte(`{"keys":[{"a":{"b":[1,{"c":null}]}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		set, err := credential.ParseKeySet(data)
		if err != nil {
			if set != nil || !errors.Is(err, credential.ErrKeySet) {
				t.Fatalf("%v with %v", set, err)
			}
			return
		}
		text, err := json.Marshal(set)
		if err != nil {
			t.Fatal(err)
		}
		back, err := credential.ParseKeySet(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if again, _ := json.Marshal(back); string(again) != string(text) {
			t.Fatalf("%s\nis read as\n%s", text, again)
		}
	})
}
