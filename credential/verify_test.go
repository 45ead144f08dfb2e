package credential_test

import (
	"crypto/ecdsa"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"healthcode/credential"

	"github.com/golang-jwt/jwt/v5"
	"pgregory.net/rapid"
)

// bundle is one key, one issued code and the parts of its token.
type bundle struct {
	set             *credential.KeySet
	issued          credential.Issued
	header, payload string
	signature       []byte
}

func setup(tb testing.TB) *bundle {
	tb.Helper()
	key := mustKey(tb, 1, testIssuer, 1)
	issued := mustIssue(tb, key, testCode())
	parts := strings.Split(issued.JWT, ".")
	text := func(i int) string {
		b, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			tb.Fatal(err)
		}
		return string(b)
	}
	return &bundle{mustSet(tb, *key.PublicKey()), issued, text(0), text(1), []byte(text(2))}
}

// forge signs header and payload with the bundle's own key.
func (b *bundle) forge(tb testing.TB, header, payload string) string {
	return forge(tb, 1, header, payload)
}

// replace changes the payload and signs it with the bundle's own key.
func (b *bundle) replace(tb testing.TB, old, with string) string {
	tb.Helper()
	if !strings.Contains(b.payload, old) {
		tb.Fatalf("%s is not in the payload", old)
	}
	return b.forge(tb, b.header, strings.Replace(b.payload, old, with, 1))
}

// checkNothingLeaks fails when a verdict without a good signature says anything about the text.
func checkNothingLeaks(tb interface{ Errorf(string, ...any) }, v credential.Verdict) {
	bare := credential.Verdict{Authentic: v.Authentic, Reason: v.Reason, Detail: v.Detail}
	if !v.SignatureValid && (v != bare || v.Authentic) {
		tb.Errorf("an unverified code tells %+v", v)
	}
	if v.Authentic != (v.Reason == credential.ReasonOK) || v.Authentic && v.Detail != "" {
		tb.Errorf("authentic %v with reason %s, detail %q", v.Authentic, v.Reason, v.Detail)
	}
}

func TestVerifyAcceptsEveryForm(t *testing.T) {
	t.Parallel()
	b := setup(t)
	screen := testCode()
	screen.Lifetime = credential.ScreenLifetime
	onScreen := mustIssue(t, mustKey(t, 1, testIssuer, 1), screen)
	for name, c := range map[string]struct {
		text string
		form credential.Form
	}{
		"URL with digits":              {b.issued.URL, credential.FormPrinted},
		"digits":                       {b.issued.Digits, credential.FormPrinted},
		"URL with JWT":                 {testIssuer + "/v/" + b.issued.JWT, credential.FormJWT},
		"JWT":                          {b.issued.JWT, credential.FormJWT},
		"screen code":                  {onScreen.URL, credential.FormScreen},
		"screen code as JWT":           {onScreen.JWT, credential.FormJWT},
		"scheme in capitals":           {"HTTPS" + b.issued.URL[5:], credential.FormPrinted},
		"host in capitals":             {"https://Q.EXAMPLE.GOV.CN/v/" + b.issued.Digits, credential.FormPrinted},
		"scheme http":                  {"http://q.example.gov.cn/v/" + b.issued.Digits, credential.FormPrinted},
		"another host":                 {"https://evil.example/v/" + b.issued.Digits, credential.FormPrinted},
		"another host and port":        {"https://127.0.0.1:8443/v/" + b.issued.JWT, credential.FormJWT},
		"(r, n-s), the other spelling": {b64(b.header) + "." + b64(b.payload) + "." + b64(string(highS(b.signature))), credential.FormJWT},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := credential.Verify(c.text, b.set, issuedAt.Add(time.Minute))
			checkNothingLeaks(t, v)
			if !v.Authentic || v.Form != c.form || v.Issuer != testIssuer || v.Index != testCode().Index || !v.AtIssue || !v.SignatureValid {
				t.Errorf("%+v", v)
			}
		})
	}
}

// Every way in which a text can fail to be a code, by the reason that it must give. The traps of JWT libraries are all here.
func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	packed, _ := credential.ParsePacked(b.issued.Digits)
	withByte := func(at int, value byte) string {
		p := packed
		p[at] = value
		return p.Digits()
	}
	segments := strings.Split(b.issued.JWT, ".")
	head := func(header string) string { return b.forge(t, header, b.payload) }
	const malformed, badSignature = credential.ReasonMalformed, credential.ReasonBadSignature
	const unknownKey, unsupported = credential.ReasonUnknownKey, credential.ReasonUnsupportedVersion
	for name, c := range map[string]struct {
		text string
		want credential.Reason
	}{
		// texts that are no code at all
		"empty":                     {"", malformed},
		"a word":                    {"hello", malformed},
		"Chinese":                   {"质量安全健康码", malformed},
		"zero bytes":                {"\x00\x00\x00", malformed},
		"invalid UTF-8":             {"\xff\xfe.\xfd.\xfc", malformed},
		"10 MB of digits":           {strings.Repeat("7", 10<<20), malformed},
		"10 MB of dots":             {strings.Repeat(".", 10<<20), malformed},
		"10 MB of JWT":              {b.issued.JWT + strings.Repeat("A", 10<<20), malformed},
		"one over the cap":          {b.issued.JWT + strings.Repeat("A", credential.MaxText+1-len(b.issued.JWT)), malformed},
		"dots":                      {"..", malformed},
		"one dot":                   {".", malformed},
		"two segments":              {segments[0] + "." + segments[1], malformed},
		"four segments":             {b.issued.JWT + ".AAAA", malformed},
		"a JWE of five segments":    {segments[0] + ".a.b.c.d", malformed},
		"a status list token":       {tslToken, malformed},
		"another QR: a web page":    {"https://example.com/", malformed},
		"another QR: WiFi":          {"WIFI:S:net;T:WPA;P:secret;;", malformed},
		"another QR: a health card": {"shc:/5676290952432060346029243740446031222959532654603460292540772804336028", malformed},
		// packed digits
		"cut by a digit":           {b.issued.Digits[:219], malformed},
		"a digit more":             {b.issued.Digits + "0", malformed},
		"leading zero more":        {"0" + b.issued.Digits, malformed},
		"leading zeros cut":        {strings.TrimLeft(b.issued.Digits, "0"), malformed},
		"a letter":                 {b.issued.Digits[:99] + "x" + b.issued.Digits[100:], malformed},
		"line break after":         {b.issued.Digits + "\n", malformed},
		"blank before":             {" " + b.issued.Digits, malformed},
		"all nines":                {strings.Repeat("9", 220), malformed},
		"all zeros: version 0":     {strings.Repeat("0", 220), unsupported},
		"version 2":                {withByte(0, 2), unsupported},
		"key not in the set":       {withByte(1, 2), unknownKey},
		"key 0":                    {withByte(1, 0), malformed},
		"another tier":             {withByte(20, 0x12), badSignature},
		"another colour":           {withByte(20, 0x21), badSignature},
		"colour beyond the list":   {withByte(20, 0x61), malformed},
		"another index":            {withByte(26, packed[26]^1), badSignature},
		"another model":            {withByte(22, 2), badSignature},
		"a bit of the signature":   {withByte(90, packed[90]^1), badSignature},
		"a signature of zeros":     {zeroSignature(packed).Digits(), badSignature},
		"lifetime a day longer":    {withByte(19, packed[19]+1), badSignature},
		"another enterprise's":     {withByte(13, packed[13]-1), badSignature},
		"seconds instead of days":  {withByte(18, packed[18]|0x80), badSignature},
		"issued a second later":    {withByte(17, packed[17]+1), badSignature},
		"key of another's digits":  {strings.Repeat("0", 2) + b.issued.Digits[2:217] + "999", badSignature},
		"full-width digit at last": {b.issued.Digits[:217] + "１", malformed},
		// URLs
		"path in capitals":      {testIssuer + "/V/" + b.issued.Digits, malformed},
		"another path":          {testIssuer + "/x/" + b.issued.Digits, malformed},
		"a longer path":         {testIssuer + "/a/v/" + b.issued.Digits, malformed},
		"a query":               {b.issued.URL + "?from=app", malformed},
		"a fragment":            {b.issued.URL + "#top", malformed},
		"a slash at the end":    {b.issued.URL + "/", malformed},
		"two slashes":           {testIssuer + "//v/" + b.issued.Digits, malformed},
		"a query that is ours":  {testIssuer + "/?q=/v/" + b.issued.Digits, malformed},
		"user information":      {"https://user@q.example.gov.cn/v/" + b.issued.Digits, malformed},
		"no host":               {"https:///v/" + b.issued.Digits, malformed},
		"host of two dots":      {"https://a..b/v/" + b.issued.Digits, malformed},
		"port of letters":       {"https://a:bc/v/" + b.issued.Digits, malformed},
		"scheme ftp":            {"ftp://q.example.gov.cn/v/" + b.issued.Digits, malformed},
		"scheme javascript":     {"javascript://q/v/" + b.issued.Digits, malformed},
		"no scheme":             {"q.example.gov.cn/v/" + b.issued.Digits, malformed},
		"nothing after the /v/": {testIssuer + "/v/", malformed},
		"per cent escapes":      {testIssuer + "/v/%30" + b.issued.Digits[1:], malformed},
		// the signature and the algorithm
		"alg none":                    {unsigned("none", b), badSignature},
		"alg none, no signature":      {b64(strings.Replace(b.header, "ES256", "none", 1)) + "." + b64(b.payload) + ".", badSignature},
		"alg NONE":                    {unsigned("NONE", b), badSignature},
		"alg HS256 by public key":     {hmacByPublicKey(t, b), badSignature},
		"alg ES384":                   {unsigned("ES384", b), badSignature},
		"alg unheard of":              {unsigned("XS999", b), badSignature},
		"alg in small letters":        {unsigned("es256", b), badSignature},
		"alg empty":                   {unsigned("", b), badSignature},
		"signature of another key":    {forge(t, 2, b.header, b.payload), badSignature},
		"signature empty":             {segments[0] + "." + segments[1] + ".", badSignature},
		"signature a byte short":      {segments[0] + "." + segments[1] + "." + b64(string(b.signature[:63])), badSignature},
		"signature a byte long":       {segments[0] + "." + segments[1] + "." + b64(string(b.signature)+"\x00"), badSignature},
		"signature as ASN.1":          {segments[0] + "." + segments[1] + "." + b64(asn1Signature(t, b)), badSignature},
		"signature r = s = 0":         {segments[0] + "." + segments[1] + "." + b64(strings.Repeat("\x00", 64)), badSignature},
		"signature s = n":             {segments[0] + "." + segments[1] + "." + b64(string(b.signature[:32])+orderOfP256), badSignature},
		"payload changed":             {segments[0] + "." + b64(strings.Replace(b.payload, "AA", "A", 1)) + "." + segments[2], badSignature},
		"kid of no key":               {head(strings.Replace(b.header, `"kid":"1"`, `"kid":"2"`, 1)), unknownKey},
		"kid with a leading zero":     {head(strings.Replace(b.header, `"kid":"1"`, `"kid":"01"`, 1)), unknownKey},
		"kid 257, which is 1 mod 256": {head(strings.Replace(b.header, `"kid":"1"`, `"kid":"257"`, 1)), unknownKey},
		"kid a path":                  {head(strings.Replace(b.header, `"kid":"1"`, `"kid":"../key"`, 1)), unknownKey},
		// the header, signed by the true key
		"crit":               {head(`{"alg":"ES256","kid":"1","typ":"qc+jwt","crit":["exp"]}`), malformed},
		"crit before":        {head(`{"crit":["b64"],"alg":"ES256","kid":"1","typ":"qc+jwt"}`), malformed},
		"crit empty":         {head(`{"alg":"ES256","kid":"1","typ":"qc+jwt","crit":[]}`), malformed},
		"typ JWT":            {head(`{"alg":"ES256","kid":"1","typ":"JWT"}`), malformed},
		"typ of status list": {head(`{"alg":"ES256","kid":"1","typ":"statuslist+jwt"}`), malformed},
		"typ in capitals":    {head(`{"alg":"ES256","kid":"1","typ":"QC+JWT"}`), malformed},
		"no typ":             {head(`{"alg":"ES256","kid":"1"}`), malformed},
		"no kid":             {head(`{"alg":"ES256","typ":"qc+jwt"}`), malformed},
		"no alg":             {head(`{"kid":"1","typ":"qc+jwt"}`), malformed},
		"alg twice":          {head(`{"alg":"none","alg":"ES256","kid":"1","typ":"qc+jwt"}`), malformed},
		"kid twice":          {head(`{"alg":"ES256","kid":"2","kid":"1","typ":"qc+jwt"}`), malformed},
		"kid a number":       {head(`{"alg":"ES256","kid":1,"typ":"qc+jwt"}`), malformed},
		"a key of its own":   {head(`{"alg":"ES256","kid":"1","typ":"qc+jwt","jwk":{}}`), malformed},
		"jku":                {head(`{"alg":"ES256","kid":"1","typ":"qc+jwt","jku":"https://evil.example"}`), malformed},
		"zip":                {head(`{"alg":"ES256","kid":"1","typ":"qc+jwt","zip":"DEF"}`), malformed},
		"header order":       {head(`{"typ":"qc+jwt","alg":"ES256","kid":"1"}`), malformed},
		"header blanks":      {head(`{"alg": "ES256","kid":"1","typ":"qc+jwt"}`), malformed},
		"header no JSON":     {head(`hello`), malformed},
		"header a list":      {head(`[]`), malformed},
		"header null":        {head(`null`), malformed},
		"ALG in capitals":    {head(`{"ALG":"ES256","kid":"1","typ":"qc+jwt"}`), malformed},
		// base64
		"line break inside":           {b.issued.JWT[:100] + "\n" + b.issued.JWT[100:], malformed},
		"line break in the signature": {b.issued.JWT[:len(b.issued.JWT)-9] + "\n" + b.issued.JWT[len(b.issued.JWT)-9:], malformed},
		"line break after the JWT":    {b.issued.JWT + "\n", malformed},
		"CR LF inside":                {b.issued.JWT[:10] + "\r\n" + b.issued.JWT[10:], malformed},
		"padding":                     {b.issued.JWT + "=", malformed},
		"standard base64":             {strings.Replace(b.issued.JWT, "-", "+", 1) + "/", malformed},
		"loose last character":        {loosen(b.issued.JWT), malformed},
		"a blank":                     {segments[0] + ". " + segments[1] + "." + segments[2], malformed},
		"a blank before the payload":  {b.forge(t, b.header, " "+b.payload), malformed},
		"a blank after the payload":   {b.forge(t, b.header, b.payload+" "), malformed},
		"line break after payload":    {b.forge(t, b.header, b.payload+"\n"), malformed},
		"a byte order mark":           {"\ufeff" + b.issued.JWT, malformed},
		// the payload, signed by the true key
		"no exp":                 {b.replace(t, `"exp":1826850800,`, ""), malformed},
		"no iat":                 {b.replace(t, `"iat":1795314800,`, ""), malformed},
		"no iss":                 {b.replace(t, `"iss":"`+testIssuer+`",`, ""), malformed},
		"no sub":                 {b.replace(t, `"sub":"91350100M000100Y43",`, ""), malformed},
		"no qc":                  {b.replace(t, `"qc":{"v":1,"tier":"AA","colour":"green","model":1},`, ""), malformed},
		"no status":              {b.replace(t, `,"status":{"status_list":{"idx":5,"uri":"https://q.example.gov.cn/lists/status/1"}}`, ""), malformed},
		"another iss":            {b.replace(t, testIssuer, "https://evil.example"), unknownKey},
		"iss with a slash":       {b.replace(t, testIssuer, testIssuer+"/"), unknownKey},
		"iss in capitals":        {b.replace(t, testIssuer, "https://Q.example.gov.cn"), unknownKey},
		"iss a list":             {b.replace(t, `"`+testIssuer+`"`, `["`+testIssuer+`"]`), malformed},
		"exp twice":              {b.replace(t, `"exp":1826850800`, `"exp":1,"exp":1826850800`), malformed},
		"tier twice":             {b.replace(t, `"tier":"AA"`, `"tier":"C","tier":"AA"`), malformed},
		"colour twice, in case":  {b.replace(t, `"colour":"green"`, `"Colour":"red","colour":"green"`), malformed},
		"one claim more":         {b.replace(t, `"qc":`, `"jti":"1","qc":`), malformed},
		"nbf in the future":      {b.replace(t, `"qc":`, `"nbf":1826850800,"qc":`), malformed},
		"aud":                    {b.replace(t, `"qc":`, `"aud":"x","qc":`), malformed},
		"exp as a text":          {b.replace(t, `1826850800`, `"1826850800"`), malformed},
		"exp as a fraction":      {b.replace(t, `1826850800`, `1826850800.5`), malformed},
		"exp with exponent":      {b.replace(t, `1826850800`, `1.8268508e9`), malformed},
		"exp a day and a second": {b.replace(t, `1826850800`, `1795401201`), malformed},
		"exp in year 30000":      {b.replace(t, `1826850800`, `884541340800`), malformed},
		"exp beyond any number":  {b.replace(t, `1826850800`, `1e400`), malformed},
		"exp null":               {b.replace(t, `1826850800`, `null`), malformed},
		"iat null":               {b.replace(t, `1795314800`, `null`), malformed},
		"iat in milliseconds":    {b.replace(t, `1795314800`, `1795314800000`), malformed},
		"iat negative":           {b.replace(t, `1795314800`, `-1`), malformed},
		"model 0":                {b.replace(t, `"model":1`, `"model":0`), malformed},
		"model 65536":            {b.replace(t, `"model":1`, `"model":65536`), malformed},
		"tier AAA":               {b.replace(t, `"AA"`, `"AAA"`), malformed},
		"tier a number":          {b.replace(t, `"AA"`, `1`), malformed},
		"colour empty":           {b.replace(t, `"green"`, `""`), malformed},
		"colour purple":          {b.replace(t, `"green"`, `"purple"`), malformed},
		"sub too short":          {b.replace(t, `91350100M000100Y43`, `91350100M000100Y4`), malformed},
		"sub in small letters":   {b.replace(t, `91350100M000100Y43`, `91350100m000100y43`), malformed},
		"idx of 2^20":            {b.replace(t, `"idx":5`, `"idx":1048576`), malformed},
		"idx negative":           {b.replace(t, `"idx":5`, `"idx":-5`), malformed},
		"list beyond 4095":       {b.replace(t, `/lists/status/1`, `/lists/status/4096`), malformed},
		"list elsewhere":         {b.replace(t, `"uri":"https://q`, `"uri":"https://z`), malformed},
		"list 01":                {b.replace(t, `/lists/status/1`, `/lists/status/01`), malformed},
		"qc null":                {b.replace(t, `{"v":1,"tier":"AA","colour":"green","model":1}`, `null`), unsupported},
		"qc a list":              {b.replace(t, `{"v":1,"tier":"AA","colour":"green","model":1}`, `[]`), malformed},
		"version 2 of the JWT":   {b.replace(t, `"v":1`, `"v":2`), unsupported},
		"version 2, other tiers": {b.replace(t, `"v":1,"tier":"AA"`, `"v":2,"tier":7`), unsupported},
		"version a text":         {b.replace(t, `"v":1`, `"v":"1"`), malformed},
		"blanks":                 {b.replace(t, `"qc":`, ` "qc":`), malformed},
		"escaped letter":         {b.replace(t, `"AA"`, `"\u0041A"`), malformed},
		"trailing JSON":          {b.forge(t, b.header, b.payload+"{}"), malformed},
		"payload empty":          {b.forge(t, b.header, ""), malformed},
		"payload null":           {b.forge(t, b.header, "null"), malformed},
		"payload {}":             {b.forge(t, b.header, "{}"), malformed},
		"payload not JSON":       {b.forge(t, b.header, strings.Repeat("x", 300)), malformed},
		"payload deeply nested":  {b.forge(t, b.header, strings.Repeat("[", 300)), malformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := credential.Verify(c.text, b.set, issuedAt.Add(time.Minute))
			checkNothingLeaks(t, v)
			if v.Reason != c.want || v.SignatureValid || v.Detail == "" || len(v.Detail) > 200 {
				t.Errorf("got %+v, want %s", v, c.want)
			}
		})
	}
}

const (
	orderOfP256 = "\xff\xff\xff\xff\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\xbc\xe6\xfa\xad\xa7\x17\x9e\x84\xf3\xb9\xca\xc2\xfc\x63\x25\x51"
	// tslToken is shaped as a token of a status list.
	tslToken = "eyJhbGciOiJFUzI1NiIsImtpZCI6IjEyIiwidHlwIjoic3RhdHVzbGlzdCtqd3QifQ.eyJpYXQiOjE2ODY5MjAxNzB9.AAAA"
)

func zeroSignature(p credential.Packed) *credential.Packed {
	clear(p[27:])
	return &p
}

// unsigned keeps payload and signature and names another algorithm.
func unsigned(alg string, b *bundle) string {
	return b64(strings.Replace(b.header, "ES256", alg, 1)) + "." + b64(b.payload) + "." + b64(string(b.signature))
}

// hmacByPublicKey is the classic confusion: the public key as an HMAC secret.
func hmacByPublicKey(tb testing.TB, b *bundle) string {
	tb.Helper()
	secret, err := fixedPrivate(1).PublicKey.Bytes()
	if err != nil {
		tb.Fatal(err)
	}
	input := b64(strings.Replace(b.header, "ES256", "HS256", 1)) + "." + b64(b.payload)
	mac, err := jwt.SigningMethodHS256.Sign(input, secret)
	if err != nil {
		tb.Fatal(err)
	}
	return input + "." + b64(string(mac))
}

func asn1Signature(tb testing.TB, b *bundle) string {
	tb.Helper()
	der, err := ecdsa.SignASN1(nil, fixedPrivate(1), make([]byte, 32))
	if err != nil {
		tb.Fatal(err)
	}
	return string(der)
}

// loosen sets a bit of the last character that decodes to nothing: the same bytes in another spelling.
func loosen(token string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := len(token) - 1
	return token[:last] + string(alphabet[strings.IndexByte(alphabet, token[last])|1])
}

// The trap itself: without the checks of this package the library would take these texts.
func TestLibraryAloneWouldAccept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, text := range map[string]string{
		"unknown crit":    b.forge(t, `{"alg":"ES256","kid":"1","typ":"qc+jwt","crit":["x"]}`, b.payload),
		"foreign typ":     b.forge(t, `{"alg":"ES256","kid":"1","typ":"statuslist+jwt"}`, b.payload),
		"line break":      b.issued.JWT[:len(b.issued.JWT)-9] + "\n" + b.issued.JWT[len(b.issued.JWT)-9:],
		"duplicate claim": b.replace(t, `"tier":"AA"`, `"tier":"C","tier":"AA"`),
		"no exp":          b.replace(t, `"exp":1826850800,`, ""),
		"loose last":      loosen(b.issued.JWT),
	} {
		_, err := jwt.Parse(text, func(*jwt.Token) (any, error) { return &fixedPrivate(1).PublicKey, nil },
			jwt.WithValidMethods([]string{"ES256"}), jwt.WithTimeFunc(func() time.Time { return issuedAt }))
		if err != nil {
			t.Errorf("%s: the library refuses it now (%v): the comment in its case is out of date", name, err)
		}
		if v := credential.Verify(text, b.set, issuedAt); v.SignatureValid {
			t.Errorf("%s: accepted", name)
		}
	}
}

// The clock of a verifier against codes that live for days and for seconds.
func TestVerifyInTime(t *testing.T) {
	t.Parallel()
	const (
		ok, early, expired, clock = credential.ReasonOK, credential.ReasonNotYetValid, credential.ReasonExpired, credential.ReasonClock
		days, seconds             = credential.Lifetime(1), credential.ScreenLifetime
		day, screen, moment       = 24 * time.Hour, 180 * time.Second, time.Nanosecond
	)
	for name, c := range map[string]struct {
		lifetime credential.Lifetime
		after    time.Duration
		want     credential.Reason
	}{
		"days: an hour early":                       {days, -time.Hour, early},
		"days: a moment before the leeway":          {days, -credential.Leeway - moment, early},
		"days: at the leeway":                       {days, -credential.Leeway, ok},
		"days: a second early":                      {days, -time.Second, ok},
		"days: at issue":                            {days, 0, ok},
		"days: a moment before the end":             {days, day - moment, ok},
		"days: at the end":                          {days, day, expired},
		"days: within the library's leeway":         {days, day + 59*time.Second, expired},
		"days: a century late":                      {days, 100 * 365 * day, expired},
		"days: year 1":                              {days, math.MinInt64, early},
		"seconds: an hour early":                    {seconds, -time.Hour, clock},
		"seconds: a moment before the leeway":       {seconds, -credential.ScreenLeeway - moment, clock},
		"seconds: at the leeway":                    {seconds, -credential.ScreenLeeway, ok},
		"seconds: beyond the leeway of days":        {seconds, -credential.Leeway - time.Second, ok},
		"seconds: at issue":                         {seconds, 0, ok},
		"seconds: a moment before the end":          {seconds, screen - moment, ok},
		"seconds: at the end":                       {seconds, screen, clock},
		"seconds: a moment before a picture is old": {seconds, screen + credential.ScreenLeeway - moment, clock},
		"seconds: when a picture is certainly old":  {seconds, screen + credential.ScreenLeeway, expired},
		"seconds: a century late":                   {seconds, 100 * 365 * day, expired},
		"seconds: year 1":                           {seconds, math.MinInt64, clock},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key := mustKey(t, 1, testIssuer, 1)
			code := testCode()
			code.Lifetime = c.lifetime
			issued := mustIssue(t, key, code)
			for _, text := range []string{issued.URL, issued.JWT} {
				v := credential.Verify(text, mustSet(t, *key.PublicKey()), issuedAt.Add(c.after))
				checkNothingLeaks(t, v)
				if v.Reason != c.want || !v.SignatureValid || v.USCC != code.USCC || v.KeyID != "1" {
					t.Errorf("got %+v, want %s", v, c.want)
				}
			}
		})
	}
}

func TestVerifyWithUnusualKeySets(t *testing.T) {
	t.Parallel()
	b := setup(t)
	mine := *mustKey(t, 1, testIssuer, 1).PublicKey()
	same := *mustKey(t, 1, testIssuer, 2).PublicKey()
	elsewhere := *mustKey(t, 1, "https://other.example", 1).PublicKey()
	retired, later := mine, mine
	retired.NotAfter = issuedAt.Add(-time.Second)
	later.NotBefore = issuedAt.Add(time.Second)
	for name, c := range map[string]struct {
		set         *credential.KeySet
		digits, jwt credential.Reason
	}{
		"no set":                         {nil, credential.ReasonUnknownKey, credential.ReasonUnknownKey},
		"an empty set":                   {mustSet(t), credential.ReasonUnknownKey, credential.ReasonUnknownKey},
		"another key of the number":      {mustSet(t, same), credential.ReasonBadSignature, credential.ReasonBadSignature},
		"two of a number, ours first":    {mustSet(t, mine, same), credential.ReasonOK, credential.ReasonOK},
		"two of a number, ours last":     {mustSet(t, same, elsewhere, mine), credential.ReasonOK, credential.ReasonOK},
		"the key of another issuer":      {mustSet(t, elsewhere), credential.ReasonBadSignature, credential.ReasonUnknownKey},
		"a key retired before the issue": {mustSet(t, retired), credential.ReasonUnknownKey, credential.ReasonUnknownKey},
		"a key that begins after":        {mustSet(t, later), credential.ReasonUnknownKey, credential.ReasonUnknownKey},
		"retired, then the same in use":  {mustSet(t, retired, mine), credential.ReasonOK, credential.ReasonOK},
		"other numbers only":             {mustSet(t, *mustKey(t, 2, testIssuer, 1).PublicKey()), credential.ReasonUnknownKey, credential.ReasonUnknownKey},
		"the same twice":                 {mustSet(t, mine, mine), credential.ReasonOK, credential.ReasonOK},
		"another number, then ours":      {mustSet(t, *mustKey(t, 2, testIssuer, 1).PublicKey(), mine), credential.ReasonOK, credential.ReasonOK},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for text, want := range map[string]credential.Reason{b.issued.Digits: c.digits, b.issued.JWT: c.jwt} {
				v := credential.Verify(text, c.set, issuedAt)
				checkNothingLeaks(t, v)
				if v.Reason != want {
					t.Errorf("got %+v, want %s", v, want)
				}
			}
		})
	}
}

// One changed digit never verifies, wherever it stands.
func TestOneChangedDigitNeverVerifies(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range b.issued.Digits {
		changed := []byte(b.issued.Digits)
		changed[i] = '0' + (changed[i]-'0'+byte(i%9)+1)%10
		v := credential.Verify(string(changed), b.set, issuedAt)
		checkNothingLeaks(t, v)
		if v.Authentic || v.SignatureValid {
			t.Fatalf("digit %d: %+v", i, v)
		}
	}
}

// One changed character of the JWT never verifies, whatever takes its place.
func TestOneChangedCharacterNeverVerifies(t *testing.T) {
	t.Parallel()
	b := setup(t)
	rapid.Check(t, func(t *rapid.T) {
		changed := []byte(b.issued.JWT)
		at := rapid.IntRange(0, len(changed)-1).Draw(t, "at")
		with := rapid.Byte().Filter(func(c byte) bool { return c != changed[at] }).Draw(t, "with")
		changed[at] = with
		v := credential.Verify(string(changed), b.set, issuedAt)
		checkNothingLeaks(t, v)
		if v.Authentic || v.SignatureValid {
			t.Fatalf("%+v", v)
		}
	})
}

// A change of any bit of what is signed is found in the packed form.
func TestOneChangedBitNeverVerifies(t *testing.T) {
	t.Parallel()
	b := setup(t)
	packed, _ := credential.ParsePacked(b.issued.Digits)
	for bit := range credential.PackedSize * 8 {
		changed := packed
		changed[bit/8] ^= 1 << (bit % 8)
		if v := credential.Verify(changed.Digits(), b.set, issuedAt); v.SignatureValid {
			t.Fatalf("bit %d: %+v", bit, v)
		}
	}
}

func TestVerdictAsJSON(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, c := range map[string]struct {
		text string
		at   time.Time
		want string
	}{
		"ok": {b.issued.URL, issuedAt, `{"authentic":true,"reason":"ok","signature_valid":true,"form":"printed",` +
			`"issuer":"https://q.example.gov.cn","kid":"1","uscc":"91350100M000100Y43","tier":"AA","colour":"green","at_issue":true,` +
			`"model":1,"issued_at":"2026-11-22T02:33:20Z","expires_at":"2027-11-22T02:33:20Z","idx":1048581}`},
		"expired": {b.issued.JWT, issuedAt.AddDate(2, 0, 0), `{"authentic":false,"reason":"expired","signature_valid":true,` +
			`"detail":"the code has expired","form":"jwt",` +
			`"issuer":"https://q.example.gov.cn","kid":"1","uscc":"91350100M000100Y43","tier":"AA","colour":"green","at_issue":true,` +
			`"model":1,"issued_at":"2026-11-22T02:33:20Z","expires_at":"2027-11-22T02:33:20Z","idx":1048581}`},
		"bad signature": {forge(t, 2, b.header, b.payload), issuedAt,
			`{"authentic":false,"reason":"bad_signature","signature_valid":false,"detail":"the signature does not fit"}`},
	} {
		v := credential.Verify(c.text, b.set, c.at)
		got, err := json.Marshal(v)
		if err != nil || string(got) != c.want {
			t.Errorf("%s\n got %s\nwant %s\n%v", name, got, c.want, err)
		}
		var back credential.Verdict
		if err := json.Unmarshal(got, &back); err != nil || back != v {
			t.Errorf("%s: read back %+v, %v", name, back, err)
		}
	}
}

// FuzzVerify holds that no text makes Verify panic or tell what it did not verify, and that what it accepts is a spelling of
// the one code that exists.
func FuzzVerify(f *testing.F) {
	b := setup(f)
	for _, seed := range []string{
		b.issued.URL, b.issued.Digits, b.issued.JWT, testIssuer + "/v/" + b.issued.JWT, tslToken, unsigned("none", b), "",
		b.replace(f, `"v":1`, `"v":2`), b.forge(f, `{"alg":"ES256","kid":"1","typ":"qc+jwt","crit":[]}`, b.payload),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v := credential.Verify(text, b.set, issuedAt)
		checkNothingLeaks(t, v)
		if v.SignatureValid && (v.USCC != testCode().USCC || v.Index != testCode().Index) {
			t.Errorf("%q verifies as %+v", text, v)
		}
	})
}

// FuzzClaims signs any payload with the true key: what then verifies must be the template's bytes.
func FuzzClaims(f *testing.F) {
	b := setup(f)
	f.Add(b.payload)
	f.Add(strings.Replace(b.payload, "AA", "NEW", 1))
	f.Add(strings.Replace(b.payload, `"v":1`, `"v":1,"v":1`, 1))
	f.Fuzz(func(t *testing.T, payload string) {
		v := credential.Verify(b.forge(t, b.header, payload), b.set, issuedAt)
		checkNothingLeaks(t, v)
		if !v.SignatureValid {
			return
		}
		code := credential.Code{
			Version: 1, Key: 1, USCC: v.USCC, IssuedAt: uint32(v.IssuedAt.Unix()), Tier: v.Tier, Colour: v.Colour, Model: v.Model, Index: v.Index,
		}
		code.Lifetime, _ = credential.LifetimeOf(v.ExpiresAt.Unix() - v.IssuedAt.Unix())
		if again := string(credential.AppendPayload(nil, testIssuer, &code)); again != payload {
			t.Errorf("%s\nverifies, but is written %s", payload, again)
		}
	})
}

func TestHighSIsAnotherTokenOfTheSameCode(t *testing.T) {
	t.Parallel()
	b := setup(t)
	packed, _ := credential.ParsePacked(b.issued.Digits)
	copy(packed[27:], highS(packed[27:]))
	if packed.Digits() == b.issued.Digits {
		t.Fatal("the signature did not change: " + hex.EncodeToString(packed[27:]))
	}
	v := credential.Verify(packed.Digits(), b.set, issuedAt)
	// So a hash of the token would not find it again; the index does.
	if !v.Authentic || v.Index != testCode().Index {
		t.Errorf("%+v", v)
	}
}
