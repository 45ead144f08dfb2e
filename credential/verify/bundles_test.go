package verify_test

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"healthcode/credential"
)

// parcel is a bundle in the making.
type parcel struct {
	keySet string
	lists  []string
	signer uint8
}

// sign puts it together under an honest manifest.
func (p parcel) sign(tb testing.TB, at time.Time) string {
	tb.Helper()
	data, err := credential.SignBundle(mustKey(tb, p.signer), p.keySet, p.lists, at)
	if err != nil {
		tb.Fatal(err)
	}
	return string(data)
}

func signedSet(tb testing.TB, at time.Time, numbers ...uint8) string {
	tb.Helper()
	token, err := credential.SignKeySet(mustKey(tb, rootSeed), mustSet(tb, numbers...), at, credential.KeySetLifetime)
	if err != nil {
		tb.Fatal(err)
	}
	return token
}

func signedList(tb testing.TB, number uint8, kind credential.ListKind, at time.Time) string {
	tb.Helper()
	entries := make([]byte, kind.Bytes())
	if kind == credential.ListStatus {
		fillStatus(entries)
	} else {
		fillGrade(entries)
	}
	token, err := credential.SignList(mustKey(tb, number), kind, listNumber, entries, at)
	if err != nil {
		tb.Fatal(err)
	}
	return token
}

func bothLists(tb testing.TB, at time.Time) []string {
	return []string{signedList(tb, active, credential.ListStatus, at), signedList(tb, active, credential.ListGrade, at)}
}

// changed signs a token again after a change of its payload or header, which must be there.
func changed(tb testing.TB, seed byte, token, old, with string) string {
	tb.Helper()
	header, payload, _ := parts(tb, token)
	if !strings.Contains(header+payload, old) {
		tb.Fatalf("%s is not in the token", old)
	}
	return signUnhindered(tb, seed, strings.Replace(header, old, with, 1), strings.Replace(payload, old, with, 1))
}

// packedAs signs a status list with another content.
func packedAs(tb testing.TB, lst string) string {
	tb.Helper()
	token := signedList(tb, active, credential.ListStatus, listedAt)
	_, payload, _ := parts(tb, token)
	old := payload[strings.Index(payload, `"lst":"`)+7 : strings.Index(payload, `","aggregation_uri"`)]
	return changed(tb, active, token, old, lst)
}

func zlibOf(tb testing.TB, size int) string {
	tb.Helper()
	var out bytes.Buffer
	w := zlib.NewWriter(&out)
	return compressed(tb, w, &out, size)
}

func deflateOf(tb testing.TB, size int) string {
	tb.Helper()
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, 9)
	if err != nil {
		tb.Fatal(err)
	}
	return compressed(tb, w, &out, size)
}

func compressed(tb testing.TB, w io.WriteCloser, out *bytes.Buffer, size int) string {
	tb.Helper()
	if _, err := w.Write(make([]byte, size)); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.String()
}

const statusBytes = 1 << 18

var (
	bundlesOnce sync.Once
	bundlesMade map[string]string
)

// makeBundles returns every bundle of the table, the good ones and the bad ones. They are made once.
func makeBundles(tb testing.TB) map[string]string {
	tb.Helper()
	bundlesOnce.Do(func() { bundlesMade = newBundles(tb) })
	return bundlesMade
}

func newBundles(tb testing.TB) map[string]string {
	tb.Helper()
	keySetAt := issuedAt.AddDate(0, 0, -1)
	set := signedSet(tb, keySetAt, active, future, retired)
	today := parcel{set, bothLists(tb, listedAt), active}
	bundles := map[string]string{
		"today":                 today.sign(tb, listedAt),
		"today, by the root":    parcel{set, today.lists, rootSeed}.sign(tb, listedAt),
		"yesterday":             parcel{set, bothLists(tb, listedAt.AddDate(0, 0, -1)), active}.sign(tb, listedAt.AddDate(0, 0, -1)),
		"before the code":       parcel{set, bothLists(tb, issuedAt.Add(-time.Hour)), active}.sign(tb, issuedAt.Add(-time.Hour)),
		"tomorrow":              parcel{set, bothLists(tb, listedAt.AddDate(0, 0, 1)), active}.sign(tb, listedAt),
		"a minute ahead":        parcel{set, bothLists(tb, scanned.Add(time.Minute)), active}.sign(tb, scanned),
		"a moment further":      parcel{set, bothLists(tb, scanned.Add(time.Minute+time.Second)), active}.sign(tb, scanned),
		"no lists":              parcel{set, nil, active}.sign(tb, listedAt),
		"status alone":          parcel{set, today.lists[:1], active}.sign(tb, listedAt),
		"grade alone":           parcel{set, today.lists[1:], active}.sign(tb, listedAt),
		"status new, grade old": parcel{set, []string{today.lists[0], signedList(tb, active, credential.ListGrade, listedAt.AddDate(0, 0, -1))}, active}.sign(tb, listedAt),
		"before the removal":    parcel{signedSet(tb, keySetAt.AddDate(0, 0, -1), active, removed), bothLists(tb, listedAt), active}.sign(tb, listedAt),
		"key set of next week":  parcel{signedSet(tb, issuedAt.AddDate(0, 0, 7), active), today.lists, active}.sign(tb, listedAt),
		"key set of last year":  parcel{signedSet(tb, issuedAt.AddDate(-1, 0, 0), active), today.lists, active}.sign(tb, listedAt),
	}
	small := parcel{signedSet(tb, keySetAt, active), today.lists, active}
	addBadLists(tb, bundles, today, small.keySet)
	addBadKeySets(tb, bundles, small)
	addBadManifests(tb, bundles, today, small.keySet)
	return bundles
}

// addBadLists puts one bad list each under an honest manifest.
func addBadLists(tb testing.TB, bundles map[string]string, today parcel, small string) {
	tb.Helper()
	status, grade := today.lists[0], today.lists[1]
	header, payload, signature := parts(tb, status)
	iat := fmt.Sprint(listedAt.Unix())
	for name, list := range map[string]string{
		"list by a removed key":           signUnhindered(tb, removed, strings.Replace(header, `"1"`, `"3"`, 1), payload),
		"list by the removed key as 1":    signUnhindered(tb, removed, header, payload),
		"list by a key not yet in use":    signUnhindered(tb, future, strings.Replace(header, `"1"`, `"2"`, 1), payload),
		"list by a key no longer used":    signUnhindered(tb, retired, strings.Replace(header, `"1"`, `"4"`, 1), payload),
		"list by the root":                signUnhindered(tb, rootSeed, strings.Replace(header, `"1"`, `"`+mustRoot(tb).Thumbprint()+`"`, 1), payload),
		"list with kid a path":            changed(tb, active, status, `"kid":"1"`, `"kid":"../../1"`),
		"list alg none":                   b64(strings.Replace(header, "ES256", "none", 1)) + "." + b64(payload) + ".",
		"list with crit":                  changed(tb, active, status, `"typ"`, `"crit":["exp"],"typ"`),
		"list with typ of a code":         changed(tb, active, status, "statuslist+jwt", "qc+jwt"),
		"status list as grade list":       changed(tb, active, status, "statuslist+jwt", "qc-gradelist+jwt"),
		"list of another issuer":          changed(tb, active, status, `"iss":"`+issuer, `"iss":"https://evil.example`),
		"list with sub elsewhere":         changed(tb, active, status, `"sub":"`+issuer, `"sub":"https://evil.example`),
		"list with sub of a grade list":   changed(tb, active, status, `/lists/status/1"`, `/lists/grade/1"`),
		"list beyond the last":            changed(tb, active, status, `/lists/status/1"`, `/lists/status/4096"`),
		"list without iat":                changed(tb, active, status, `"iat":`+iat+`,`, ``),
		"list without exp":                changed(tb, active, status, `"exp":`+fmt.Sprint(listedAt.Unix()+86400)+`,`, ``),
		"list that ends before it begins": changed(tb, active, status, `"exp":`+fmt.Sprint(listedAt.Unix()+86400), `"exp":`+iat),
		"list with ttl 0":                 changed(tb, active, status, `"ttl":3600`, `"ttl":0`),
		"list with iat twice":             changed(tb, active, status, `"iat":`+iat, `"iat":1,"iat":`+iat),
		"list with iat as a fraction":     changed(tb, active, status, `"iat":`+iat, `"iat":`+iat+`.0`),
		"list with 1 bit":                 changed(tb, active, status, `"bits":2`, `"bits":1`),
		"list with 9 bits":                changed(tb, active, status, `"bits":2`, `"bits":9`),
		"list with a claim more":          changed(tb, active, status, `"ttl"`, `"nbf":0,"ttl"`),
		"list empty":                      packedAs(tb, ""),
		"list a byte short":               packedAs(tb, b64(zlibOf(tb, statusBytes-1))),
		"list a byte long":                packedAs(tb, b64(zlibOf(tb, statusBytes+1))),
		"list a bomb of 1 MiB":            packedAs(tb, b64(zlibOf(tb, 1<<20))),
		"list raw deflate":                packedAs(tb, b64(deflateOf(tb, statusBytes))),
		"list with bytes after":           packedAs(tb, b64(zlibOf(tb, statusBytes)+"x")),
		"list with wrong checksum":        packedAs(tb, b64(spoilLast(zlibOf(tb, statusBytes)))),
		"list cut off":                    packedAs(tb, b64(zlibOf(tb, statusBytes)[:200])),
		"list in padded base64":           packedAs(tb, b64(zlibOf(tb, statusBytes))+"="),
		"list with a line break":          status[:100] + "\n" + status[100:],
		"list with loose base64":          loosen(status),
		"list with ASN.1 signature":       b64(header) + "." + b64(payload) + "." + b64(asn1Signature(tb, signature)),
		"list of four parts":              status + ".AAAA",
		"list is a code":                  mustIssue(tb, active, codeAt(placeGood)).JWT,
	} {
		keySet := small
		if strings.HasPrefix(name, "list by a key") {
			keySet = today.keySet
		}
		bundles[name] = manifestFor(tb, parcel{keySet, []string{list}, active}, nil)
	}
	bundles["list twice"] = manifestFor(tb, parcel{today.keySet, []string{grade, grade}, active}, nil)
	bundles["list with the other s"] = manifestFor(tb, parcel{today.keySet, []string{b64(header) + "." + b64(payload) + "." + b64(otherS(signature)), grade}, active}, nil)
}

func addBadKeySets(tb testing.TB, bundles map[string]string, today parcel) {
	tb.Helper()
	header, payload, _ := parts(tb, today.keySet)
	thumbprint := mustRoot(tb).Thumbprint()
	root, err := json.Marshal(mustKey(tb, rootSeed).PublicKey())
	if err != nil {
		tb.Fatal(err)
	}
	for name, set := range map[string]string{
		"key set by another root":        signUnhindered(tb, 8, strings.Replace(header, thumbprint, thumbprintOf(tb, 8), 1), payload),
		"key set by another as ours":     signUnhindered(tb, 8, header, payload),
		"key set by its own key 1":       signUnhindered(tb, active, strings.Replace(header, thumbprint, "1", 1), payload),
		"key set alg none":               b64(strings.Replace(header, "ES256", "none", 1)) + "." + b64(payload) + ".",
		"key set with crit":              changed(tb, rootSeed, today.keySet, `"typ"`, `"crit":["exp"],"typ"`),
		"key set with typ of a list":     changed(tb, rootSeed, today.keySet, "qc-keyset+jwt", "statuslist+jwt"),
		"key set of another issuer":      changed(tb, rootSeed, today.keySet, `"iss":"`+issuer, `"iss":"https://evil.example`),
		"key set without exp":            changed(tb, rootSeed, today.keySet, `"exp"`, `"exq"`),
		"key set with keys twice":        changed(tb, rootSeed, today.keySet, `"keys"`, `"keys":[],"keys"`),
		"key set with the root in it":    changed(tb, rootSeed, today.keySet, `"keys":[`, `"keys":[`+string(root)+`,`),
		"key set with a private key":     changed(tb, rootSeed, today.keySet, `"kid":"1"`, `"d":"AQ","kid":"1"`),
		"key set with a point elsewhere": changed(tb, rootSeed, today.keySet, `"x":"axfR8uEs`, `"x":"bxfR8uEs`),
		"key set without keys":           signUnhindered(tb, rootSeed, header, payload[:strings.Index(payload, `"keys"`)]+`"keys":[]}`),
	} {
		bundles[name] = manifestFor(tb, parcel{set, nil, active}, nil)
	}
}

func thumbprintOf(tb testing.TB, seed uint8) string {
	tb.Helper()
	print, err := mustKey(tb, seed).PublicKey().Thumbprint()
	if err != nil {
		tb.Fatal(err)
	}
	return print
}

func addBadManifests(tb testing.TB, bundles map[string]string, today parcel, small string) {
	tb.Helper()
	one := parcel{small, today.lists[:1], active}.sign(tb, listedAt)
	bundles["list not of the manifest"] = strings.Replace(one, today.lists[0], signedList(tb, active, credential.ListStatus, listedAt.Add(time.Second)), 1)
	bundles["list left out"] = strings.Replace(one, `"`+today.lists[0]+`"`, "", 1)
	bundles["list put in"] = strings.Replace(one, `"lists":[`, `"lists":["`+today.lists[0]+`",`, 1)
	bundles["lists in another order"] = strings.Replace(bundles["today"], today.lists[0]+`","`+today.lists[1], today.lists[1]+`","`+today.lists[0], 1)
	bundles["key set not of the manifest"] = strings.Replace(one, small, signedSet(tb, issuedAt, active), 1)
	resign := func(seed byte, old, with string) func(string) string {
		return func(manifest string) string { return changed(tb, seed, manifest, old, with) }
	}
	for name, change := range map[string]func(string) string{
		"manifest by a removed key":    resign(removed, `"kid":"1"`, `"kid":"3"`),
		"manifest by another as 1":     resign(removed, `"kid":"1"`, `"kid":"1"`),
		"manifest by a key not in use": resign(future, `"kid":"1"`, `"kid":"2"`),
		"manifest with typ of a list":  resign(active, "qc-bundle+jwt", "statuslist+jwt"),
		"manifest with crit":           resign(active, `"typ"`, `"crit":["exp"],"typ"`),
		"manifest of another issuer":   resign(active, `"iss":"`+issuer, `"iss":"https://evil.example`),
		"manifest with a claim more":   resign(active, `"lists"`, `"nbf":0,"lists"`),
		"manifest without iat":         resign(active, `"iat"`, `"iaq"`),
		"manifest alg none": func(manifest string) string {
			header, payload, _ := parts(tb, manifest)
			return b64(strings.Replace(header, "ES256", "none", 1)) + "." + b64(payload) + "."
		},
		"manifest empty": func(string) string { return "" },
	} {
		keySet := small
		if name == "manifest by a key not in use" {
			keySet = today.keySet
		}
		bundles[name] = manifestFor(tb, parcel{keySet, nil, active}, change)
	}
	bundles["no JSON"] = "shc:/56762909524320603460292437404460312229595326"
	bundles["JSON of another kind"] = `[]`
	bundles["member twice"] = strings.Replace(one, `"lists"`, `"lists":[],"lists"`, 1)
	bundles["nested deep"] = strings.Repeat("[", 1000)
}

// manifestFor signs a manifest for whatever the parcel holds, and may change it.
func manifestFor(tb testing.TB, p parcel, change func(manifest string) string) string {
	tb.Helper()
	var hashes []string
	for _, list := range p.lists {
		hashes = append(hashes, fmt.Sprintf(`"%x"`, sha(list)))
	}
	at := listedAt.Unix()
	manifest := signUnhindered(tb, p.signer, fmt.Sprintf(`{"alg":"ES256","kid":"%d","typ":"qc-bundle+jwt"}`, p.signer),
		fmt.Sprintf(`{"iss":"%s","iat":%d,"exp":%d,"key_set":"%x","lists":[%s]}`, issuer, at, at+86400, sha(p.keySet), strings.Join(hashes, ",")))
	if change != nil {
		manifest = change(manifest)
	}
	text, err := json.Marshal(map[string]any{"manifest": manifest, "key_set": p.keySet, "lists": append([]string{}, p.lists...)})
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

// spoilLast changes the last byte.
func spoilLast(text string) string { return text[:len(text)-1] + string([]byte{text[len(text)-1] ^ 1}) }

// loosen sets a bit of the last character that decodes to nothing: the same bytes in another spelling.
func loosen(token string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := len(token) - 1
	return token[:last] + string(alphabet[strings.IndexByte(alphabet, token[last])|1])
}
