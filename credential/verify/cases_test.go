package verify_test

import (
	"encoding/json"
	"sort"
	"strings"
	"testing"
	"time"

	"healthcode/credential"
	"healthcode/credential/verify"
	"healthcode/registry"
)

// makeTable makes the whole table. The verdicts in it are written here by hand: nothing is copied from what the verifier says.
func makeTable(tb testing.TB) *table {
	tb.Helper()
	root, err := json.Marshal(mustRoot(tb))
	if err != nil {
		tb.Fatal(err)
	}
	t := &table{
		About: "Verdicts that every verifier must give. Pin root, remember memory (none: nothing), load the bundles in turn at now: each is refused for the " +
			"reason in refused, or loaded when that is empty. Then text (or text_repeat: before, times × part, after) gets verdict, whose detail is left out. " +
			"The private keys are the numbers 1 to 9: for tests only.",
		Root: root, Bundles: makeBundles(tb),
	}
	for _, cases := range [][]tableCase{codeCases(tb), clockCases(tb), statusCases(tb), listAgeCases(tb), screenCases(tb), bundleCases(tb), textCases(tb)} {
		t.Cases = append(t.Cases, cases...)
	}
	used := map[string]bool{}
	for i := range t.Cases {
		c := &t.Cases[i]
		for _, name := range c.Bundles {
			if t.Bundles[name] == "" {
				tb.Fatalf("case %q: no bundle %q", c.Name, name)
			}
			used[name] = true
		}
		if c.Refused == nil {
			c.Refused = make([]string, len(c.Bundles))
		}
	}
	for name := range t.Bundles {
		if !used[name] {
			tb.Fatalf("no case uses the bundle %q", name)
		}
	}
	return t
}

// refused is the verdict about what is no code of ours.
func refused(reason credential.Reason) credential.Verdict {
	return credential.Verdict{Reason: reason, Current: credential.CurrentNo}
}

// says is what the signature of a code vouches for.
func says(c *credential.Code, form credential.Form) credential.Verdict {
	return credential.Verdict{
		SignatureValid: true, Form: form, Issuer: issuer, KeyID: c.KeyID(), USCC: c.USCC, Tier: c.Tier, Colour: c.Colour, AtIssue: true,
		Model: c.Model, IssuedAt: c.Issued(), ExpiresAt: c.Expires(), Index: c.Index,
	}
}

// withReason is a verdict of a good signature that is refused all the same.
func withReason(v credential.Verdict, reason credential.Reason) credential.Verdict {
	v.Reason, v.Current = reason, credential.CurrentNo
	return v
}

// current is the verdict about a code that counts today, with today's grade.
func current(v credential.Verdict, tier registry.Tier, colour registry.Colour, gradeAsOf, statusAsOf time.Time) credential.Verdict {
	v.Authentic, v.Reason, v.Current, v.StatusAsOf = true, credential.ReasonOK, credential.CurrentYes, statusAsOf
	v.Grade = credential.TodaysGrade{Tier: tier, Colour: colour, AsOf: gradeAsOf}
	return v
}

// uncertain is the verdict about a code that is authentic, and no more is known.
func uncertain(v credential.Verdict, statusAsOf time.Time) credential.Verdict {
	v.Authentic, v.Reason, v.Current, v.StatusAsOf = true, credential.ReasonStaleList, credential.CurrentUnknown, statusAsOf
	return v
}

// ownGrade adds the grade that a screen code proves by itself.
func ownGrade(v credential.Verdict) credential.Verdict {
	v.Grade = credential.TodaysGrade{Tier: v.Tier, Colour: v.Colour, AsOf: v.IssuedAt}
	return v
}

var (
	today   = []string{"today"}
	never   time.Time
	anyTime = scanned
)

// good is the code that most cases show, and its verdict under today's lists.
func good(tb testing.TB) (credential.Issued, credential.Verdict) {
	issued := mustIssue(tb, active, codeAt(placeGood))
	return issued, current(says(&issued.Code, credential.FormPrinted), registry.TierA, registry.ColourBlue, listedAt, listedAt)
}

func codeCases(tb testing.TB) []tableCase {
	issued, verdict := good(tb)
	asJWT := verdict
	asJWT.Form = credential.FormJWT
	header, payload, signature := parts(tb, issued.JWT)
	elsewhere := codeAt(placeGood)
	elsewhere.Index = placeGood // list 0, of which no bundle knows
	far := mustIssue(tb, active, elsewhere)
	fallen := mustIssue(tb, active, codeAt(placeFallen))
	return []tableCase{
		{Name: "printed URL, current", Bundles: today, Text: issued.URL, Now: scanned, Verdict: verdict},
		{Name: "digits alone", Bundles: today, Text: issued.Digits, Now: scanned, Verdict: verdict},
		{Name: "JWT", Bundles: today, Text: issued.JWT, Now: scanned, Verdict: asJWT},
		{Name: "URL with JWT", Bundles: today, Text: issuer + "/v/" + issued.JWT, Now: scanned, Verdict: asJWT},
		{Name: "another host: who issued it is known by the key", Bundles: today, Text: "https://evil.example/v/" + issued.Digits, Now: scanned, Verdict: verdict},
		{Name: "scheme and host in capitals", Bundles: today, Text: "HTTPS://Q.EXAMPLE.GOV.CN/v/" + issued.Digits, Now: scanned, Verdict: verdict},
		{Name: "(r, n-s), the other spelling of the signature", Bundles: today, Text: b64(header) + "." + b64(payload) + "." + b64(otherS(signature)), Now: scanned, Verdict: asJWT},
		{Name: "the grade of today, not of the paper", Bundles: today, Text: fallen.URL, Now: scanned,
			Verdict: current(says(&fallen.Code, credential.FormPrinted), registry.TierC, registry.ColourRed, listedAt, listedAt)},
		{Name: "a bundle by the root itself", Bundles: []string{"today, by the root"}, Text: issued.URL, Now: scanned, Verdict: verdict},
		{Name: "no bundle", Text: issued.URL, Now: scanned, Bundles: []string{}, Verdict: refused(credential.ReasonUnknownKey)},
		{Name: "a list that the bundle does not have", Bundles: today, Text: far.URL, Now: scanned, Verdict: uncertain(says(&far.Code, credential.FormPrinted), never)},
	}
}

// clockCases are the times around a code that lives for days and one that lives for seconds. The bundle has no lists.
func clockCases(tb testing.TB) []tableCase {
	printed, screen := mustIssue(tb, active, codeAt(placeGood)), mustIssue(tb, active, screenAt(placeGood, scanned))
	days, seconds := says(&printed.Code, credential.FormPrinted), says(&screen.Code, credential.FormScreen)
	ok := ownGrade(uncertain(seconds, never))
	const early, expired, clock = credential.ReasonNotYetValid, credential.ReasonExpired, credential.ReasonClock
	var cases []tableCase
	add := func(name, text string, now time.Time, want credential.Verdict) {
		cases = append(cases, tableCase{Name: name, Bundles: []string{"no lists"}, Text: text, Now: now, Verdict: want})
	}
	at := func(after time.Duration) time.Time { return scanned.Add(after) }
	inDays := func(after time.Duration) time.Time { return issuedAt.Add(after) }
	add("days: a minute before its issue", printed.URL, inDays(-time.Minute), uncertain(days, never))
	add("days: longer before its issue", printed.URL, inDays(-time.Minute-time.Second), withReason(days, early))
	add("days: at its issue", printed.URL, inDays(0), uncertain(days, never))
	add("days: after 80 days", printed.URL, inDays(80*24*time.Hour), uncertain(days, never))
	for _, c := range []struct {
		name  string
		after time.Duration
		want  credential.Verdict
	}{
		{"an hour before its issue", -time.Hour, withReason(seconds, clock)},
		{"121 seconds before its issue", -121 * time.Second, withReason(seconds, clock)},
		{"120 seconds before its issue", -120 * time.Second, ok},
		{"61 seconds before its issue", -61 * time.Second, ok},
		{"at its issue", 0, ok},
		{"after 30 seconds", 30 * time.Second, ok},
		{"its last second", 179 * time.Second, ok},
		{"at its end", 180 * time.Second, withReason(seconds, clock)},
		{"119 seconds after its end", 299 * time.Second, withReason(seconds, clock)},
		{"120 seconds after its end: an old picture", 300 * time.Second, withReason(seconds, expired)},
		{"a day after its end", 24 * time.Hour, withReason(seconds, expired)},
	} {
		add("seconds: "+c.name, screen.URL, at(c.after), c.want)
	}
	asJWT := withReason(seconds, clock)
	asJWT.Form = credential.FormJWT
	add("seconds: at its end, as JWT", screen.JWT, at(180*time.Second), asJWT)
	short := codeAt(placeGood)
	short.Lifetime = 1
	day := mustIssue(tb, active, short)
	add("a day: its last second", day.URL, inDays(24*time.Hour-time.Second), uncertain(says(&day.Code, credential.FormPrinted), never))
	add("a day: at its end, no leeway", day.URL, inDays(24*time.Hour), withReason(says(&day.Code, credential.FormPrinted), expired))
	return cases
}

func statusCases(tb testing.TB) []tableCase {
	var cases []tableCase
	for _, c := range []struct {
		name   string
		place  uint32
		reason credential.Reason
	}{
		{"revoked", placeRevoked, credential.ReasonRevoked},
		{"suspended", placeSuspended, credential.ReasonSuspended},
		{"superseded", placeSuperseded, credential.ReasonSuperseded},
	} {
		issued := mustIssue(tb, active, codeAt(c.place))
		want := withReason(says(&issued.Code, credential.FormPrinted), c.reason)
		want.StatusAsOf = listedAt
		header, payload, signature := parts(tb, issued.JWT)
		asJWT := want
		asJWT.Form = credential.FormJWT
		cases = append(cases,
			tableCase{Name: c.name, Bundles: today, Text: issued.URL, Now: scanned, Verdict: want},
			tableCase{Name: c.name + ", shown with the other s", Bundles: today, Text: b64(header) + "." + b64(payload) + "." + b64(otherS(signature)), Now: scanned, Verdict: asJWT},
			tableCase{Name: c.name + ", status list alone", Bundles: []string{"status alone"}, Text: issued.URL, Now: scanned, Verdict: want},
		)
		if c.reason == credential.ReasonSuspended {
			want = uncertain(says(&issued.Code, credential.FormPrinted), listedAt)
		}
		cases = append(cases, tableCase{Name: c.name + ", by a list that has expired", Bundles: today, Text: issued.URL, Now: listedAt.Add(24 * time.Hour), Verdict: want})
	}
	for name, place := range map[string]uint32{"no grade in the list": placeNoGrade, "a byte that is no grade": placeOddGrade, "the last place, without a grade": 1<<20 - 1} {
		issued := mustIssue(tb, active, codeAt(place))
		cases = append(cases, tableCase{Name: name, Bundles: today, Text: issued.URL, Now: scanned, Verdict: uncertain(says(&issued.Code, credential.FormPrinted), listedAt)})
	}
	sort.SliceStable(cases, func(i, j int) bool { return cases[i].Name < cases[j].Name })
	return cases
}

// listAgeCases are about lists that are too old, too new, missing, or older than others.
func listAgeCases(tb testing.TB) []tableCase {
	issued, verdict := good(tb)
	bare := says(&issued.Code, credential.FormPrinted)
	of := func(at time.Time) credential.Verdict {
		return current(bare, registry.TierA, registry.ColourBlue, at, at)
	}
	sub := credential.ListStatus.Subject(issuer, listNumber)
	before := listedAt.AddDate(0, 0, -1)
	end := listedAt.Add(24 * time.Hour)
	return []tableCase{
		{Name: "lists in their last second", Bundles: today, Text: issued.URL, Now: end.Add(-time.Second), Verdict: verdict},
		{Name: "lists at their end", Bundles: today, Text: issued.URL, Now: end, Verdict: uncertain(bare, listedAt)},
		{Name: "lists of a week ago", Bundles: today, Text: issued.URL, Now: end.AddDate(0, 0, 6), Verdict: uncertain(bare, listedAt)},
		{Name: "no lists", Bundles: []string{"no lists"}, Text: issued.URL, Now: scanned, Verdict: uncertain(bare, never)},
		{Name: "no grade list", Bundles: []string{"status alone"}, Text: issued.URL, Now: scanned, Verdict: uncertain(bare, listedAt)},
		{Name: "no status list", Bundles: []string{"grade alone"}, Text: issued.URL, Now: scanned, Verdict: uncertain(bare, never)},
		{Name: "the grade list older than the status list, and expired", Bundles: []string{"status new, grade old"}, Text: issued.URL, Now: scanned, Verdict: uncertain(bare, listedAt)},
		{Name: "the code newer than the lists", Bundles: []string{"before the code"}, Text: issued.URL, Now: scanned, Verdict: uncertain(bare, issuedAt.Add(-time.Hour))},
		{Name: "lists from the future", Bundles: []string{"tomorrow"}, Text: issued.URL, Now: scanned, Verdict: uncertain(bare, never)},
		{Name: "lists from the future, when it has come", Bundles: []string{"tomorrow"}, Text: issued.URL, Now: scanned.AddDate(0, 0, 1), Verdict: of(listedAt.AddDate(0, 0, 1))},
		{Name: "lists from the future are not remembered", Bundles: []string{"tomorrow", "today"}, Text: issued.URL, Now: scanned, Verdict: verdict},
		{Name: "lists a minute ahead", Bundles: []string{"a minute ahead"}, Text: issued.URL, Now: scanned, Verdict: of(scanned.Add(time.Minute))},
		{Name: "lists a minute and a second ahead", Bundles: []string{"a moment further"}, Text: issued.URL, Now: scanned, Verdict: uncertain(bare, never)},
		{Name: "rollback: yesterday's bundle after today's", Bundles: []string{"today", "yesterday"}, Refused: []string{"", "rollback"}, Text: issued.URL, Now: scanned, Verdict: verdict},
		{Name: "yesterday's bundle, then today's", Bundles: []string{"yesterday", "today"}, Text: issued.URL, Now: scanned, Verdict: verdict},
		{Name: "the same bundle again", Bundles: []string{"today", "today"}, Text: issued.URL, Now: scanned, Verdict: verdict},
		{Name: "rollback: a list older than the memory", Memory: &verify.Memory{Lists: map[string]uint32{sub: uint32(listedAt.Unix()) + 1}}, Bundles: today, Refused: []string{"rollback"},
			Text: issued.URL, Now: scanned, Verdict: refused(credential.ReasonUnknownKey)},
		{Name: "a list as old as the memory", Memory: &verify.Memory{Lists: map[string]uint32{sub: uint32(listedAt.Unix())}}, Bundles: today, Text: issued.URL, Now: scanned, Verdict: verdict},
		{Name: "a memory of other lists", Memory: &verify.Memory{Lists: map[string]uint32{issuer + "/lists/status/0": 4294967295}}, Bundles: today, Text: issued.URL, Now: scanned, Verdict: verdict},
		{Name: "rollback: a key set older than the memory", Memory: &verify.Memory{KeySet: uint32(before.Unix())}, Bundles: today, Refused: []string{"rollback"},
			Text: issued.URL, Now: scanned, Verdict: refused(credential.ReasonUnknownKey)},
	}
}

// screenCases are codes that live for seconds: each is newer than the lists, or as old.
func screenCases(tb testing.TB) []tableCase {
	var cases []tableCase
	add := func(name, bundle string, place uint32, at time.Time, want func(v credential.Verdict) credential.Verdict) {
		issued := mustIssue(tb, active, screenAt(place, at))
		cases = append(cases, tableCase{Name: "screen: " + name, Bundles: []string{bundle}, Text: issued.URL, Now: at.Add(30 * time.Second),
			Verdict: want(says(&issued.Code, credential.FormScreen))})
	}
	just, stale := scanned, listedAt.Add(25*time.Hour)
	add("newer than lists of today, which know its place", "today", placeFallen, just, func(v credential.Verdict) credential.Verdict {
		return current(v, v.Tier, v.Colour, v.IssuedAt, listedAt)
	})
	add("older than the lists", "a minute ahead", placeFallen, scanned.Add(30*time.Second), func(v credential.Verdict) credential.Verdict {
		return current(v, registry.TierC, registry.ColourRed, scanned.Add(time.Minute), scanned.Add(time.Minute))
	})
	add("newer than lists that do not know its place", "today", placeNoGrade, just, func(v credential.Verdict) credential.Verdict {
		return ownGrade(uncertain(v, listedAt))
	})
	add("newer than a list that says revoked", "today", placeRevoked, just, func(v credential.Verdict) credential.Verdict {
		v.StatusAsOf = listedAt
		return withReason(v, credential.ReasonRevoked)
	})
	add("newer than a list that says suspended", "today", placeSuspended, just, func(v credential.Verdict) credential.Verdict {
		return ownGrade(uncertain(v, listedAt))
	})
	add("suspended by a newer list", "a minute ahead", placeSuspended, scanned.Add(30*time.Second), func(v credential.Verdict) credential.Verdict {
		v.StatusAsOf = scanned.Add(time.Minute)
		return withReason(v, credential.ReasonSuspended)
	})
	add("stale lists, its own grade", "today", placeFallen, stale, func(v credential.Verdict) credential.Verdict {
		return ownGrade(uncertain(v, listedAt))
	})
	add("stale lists that say revoked", "today", placeRevoked, stale, func(v credential.Verdict) credential.Verdict {
		v.StatusAsOf = listedAt
		return withReason(v, credential.ReasonRevoked)
	})
	add("no lists, its own grade", "no lists", placeGood, just, func(v credential.Verdict) credential.Verdict {
		return ownGrade(uncertain(v, never))
	})
	add("no grade list", "status alone", placeGood, just, func(v credential.Verdict) credential.Verdict {
		return ownGrade(uncertain(v, listedAt))
	})
	return cases
}

// bundleCases load bad bundles. Nothing of them may be used, and what was loaded before stays in use.
func bundleCases(tb testing.TB) []tableCase {
	issued, verdict := good(tb)
	gone := mustIssue(tb, removed, codeAt(placeGood))
	goneVerdict := current(says(&gone.Code, credential.FormPrinted), registry.TierA, registry.ColourBlue, listedAt, listedAt)
	cases := []tableCase{
		{Name: "a key before its removal", Bundles: []string{"before the removal"}, Text: gone.URL, Now: scanned, Verdict: goneVerdict},
		{Name: "a key after its removal", Bundles: []string{"before the removal", "today"}, Text: gone.URL, Now: scanned, Verdict: refused(credential.ReasonUnknownKey)},
		{Name: "rollback: the key set before the removal, after the one after it", Bundles: []string{"today", "before the removal"}, Refused: []string{"", "rollback"}, Text: gone.URL,
			Now: scanned, Verdict: refused(credential.ReasonUnknownKey)},
		{Name: "the key set in its last second", Bundles: today, Text: issued.URL, Now: issuedAt.AddDate(0, 0, 89).Add(-time.Second),
			Verdict: uncertain(says(&issued.Code, credential.FormPrinted), listedAt)},
		{Name: "the key set at its end", Bundles: today, Refused: []string{"expired"}, Text: issued.URL, Now: issuedAt.AddDate(0, 0, 89), Verdict: refused(credential.ReasonUnknownKey)},
		{Name: "a bad bundle after a good one", Bundles: []string{"today", "list by a removed key"}, Refused: []string{"", "unknown_key"}, Text: issued.URL, Now: scanned, Verdict: verdict},
		{Name: "lists by another spelling of the signature", Bundles: []string{"list with the other s"}, Text: issued.URL, Now: scanned, Verdict: verdict},
	}
	const malformed, badSignature, unknownKey = "malformed", "bad_signature", "unknown_key"
	want := map[string]string{
		"key set of next week": "not_yet_valid", "key set of last year": "expired",
		"list by a removed key": unknownKey, "list by the removed key as 1": badSignature, "list by a key not yet in use": unknownKey, "list by a key no longer used": unknownKey,
		"list by the root": unknownKey, "list with kid a path": unknownKey, "list alg none": badSignature, "list with ASN.1 signature": badSignature,
		"key set by another root": unknownKey, "key set by another as ours": badSignature, "key set by its own key 1": unknownKey, "key set alg none": badSignature,
		"manifest by a removed key": unknownKey, "manifest by another as 1": badSignature, "manifest by a key not in use": unknownKey, "manifest alg none": badSignature,
	}
	loaded := map[string]bool{}
	for _, name := range []string{"today", "today, by the root", "yesterday", "before the code", "tomorrow", "a minute ahead", "a moment further", "no lists", "status alone", "grade alone",
		"status new, grade old", "before the removal", "list with the other s"} {
		loaded[name] = true
	}
	var names []string
	for name := range makeBundles(tb) {
		if !loaded[name] {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	for _, name := range names {
		reason := want[name]
		if reason == "" {
			reason = malformed
		}
		cases = append(cases, tableCase{Name: "bundle: " + name, Bundles: []string{name}, Refused: []string{reason}, Text: issued.Digits, Now: scanned,
			Verdict: refused(credential.ReasonUnknownKey)})
	}
	return cases
}

// textCases are texts that are no code of ours. The bundle is a good one.
func textCases(tb testing.TB) []tableCase {
	issued, _ := good(tb)
	header, payload, signature := parts(tb, issued.JWT)
	signed := func(header, payload string) string { return signUnhindered(tb, active, header, payload) }
	head := func(old, with string) string { return changed(tb, active, issued.JWT, old, with) }
	unsigned := func(alg string) string {
		return b64(strings.Replace(header, "ES256", alg, 1)) + "." + b64(payload) + "." + b64(signature)
	}
	packed, err := credential.ParsePacked(issued.Digits)
	if err != nil {
		tb.Fatal(err)
	}
	digits := func(at int, value byte) string {
		p := packed
		p[at] = value
		return p.Digits()
	}
	const malformed, badSignature = credential.ReasonMalformed, credential.ReasonBadSignature
	const unknownKey, unsupported = credential.ReasonUnknownKey, credential.ReasonUnsupportedVersion
	var cases []tableCase
	for _, c := range []struct {
		name, text string
		want       credential.Reason
	}{
		{"empty", "", malformed},
		{"a word", "hello", malformed},
		{"Chinese", "质量安全健康码", malformed},
		{"a WeChat link", "https://weixin.qq.com/r/abcdefghijkl", malformed},
		{"an Alipay link", "https://qr.alipay.com/fkx12345abcdef", malformed},
		{"a SMART health card", "shc:/567629095243206034602924374044603122295953265460346029254077280433602870286471674522280928613331456437653141590640220306450459085643550341424541364037063665417137241236380304375622046737407532323925433443326057360104", malformed},
		{"an EU certificate", "HC1:6BFOXN%TS3DHPVO13J /G-/2YRVA.Q/R82JD2FCJG96V75DOW%IY17EIHY P8L6IWM$S4U45P84HW6U/4:84LC6", malformed},
		{"an Idemix certificate", "NL2:4QJ7-VYD+5", malformed},
		{"Wi-Fi", "WIFI:S:net;T:WPA;P:secret;;", malformed},
		{"a payload of its own scheme", "javascript://q/v/" + issued.Digits, malformed},
		{"a digit changed", issued.Digits[:219] + string('0'+(issued.Digits[219]-'0'+1)%10), badSignature},
		{"a digit short", issued.Digits[:219], malformed},
		{"a digit more", issued.Digits + "0", malformed},
		{"full-width digit", issued.Digits[:219] + "１", malformed},
		{"version 0", strings.Repeat("0", 220), unsupported},
		{"version 2", digits(0, 2), unsupported},
		{"too large a number", strings.Repeat("9", 220), malformed},
		{"no such key", digits(1, 77), unknownKey},
		{"key of another number", digits(1, future), badSignature},
		{"key 0", digits(1, 0), malformed},
		{"another grade", digits(20, 0x21), badSignature},
		{"another place", digits(26, packed[26]^3), badSignature},
		{"a longer life", digits(19, packed[19]+1), badSignature},
		{"a query", issued.URL + "?x=1", malformed},
		{"another path", issuer + "/V/" + issued.Digits, malformed},
		{"user information", "https://u@q.example.gov.cn/v/" + issued.Digits, malformed},
		{"line break after", issued.URL + "\n", malformed},
		{"blank before", " " + issued.URL, malformed},
		{"byte order mark", "\ufeff" + issued.URL, malformed},
		{"alg none", unsigned("none"), badSignature},
		{"alg none, no signature", b64(strings.Replace(header, "ES256", "none", 1)) + "." + b64(payload) + ".", badSignature},
		{"alg NONE", unsigned("NONE"), badSignature},
		{"alg ES384", unsigned("ES384"), badSignature},
		{"alg HS256 by the public key", hmacByPublicKey(tb, header, payload), badSignature},
		{"signature of another key", signUnhindered(tb, future, header, payload), badSignature},
		{"signature ASN.1", b64(header) + "." + b64(payload) + "." + b64(asn1Signature(tb, signature)), badSignature},
		{"signature empty", b64(header) + "." + b64(payload) + ".", badSignature},
		{"signature of zeros", b64(header) + "." + b64(payload) + "." + b64(strings.Repeat("\x00", 64)), badSignature},
		{"crit", head(`"typ"`, `"crit":["exp"],"typ"`), malformed},
		{"typ JWT", head("qc+jwt", "JWT"), malformed},
		{"a status list as a code", signedList(tb, active, credential.ListStatus, listedAt), malformed},
		{"typ of a status list", head("qc+jwt", "statuslist+jwt"), malformed},
		{"typ of a grade list", head("qc+jwt", "qc-gradelist+jwt"), malformed},
		{"typ of a key set", head("qc+jwt", "qc-keyset+jwt"), malformed},
		{"kid a path", head(`"kid":"1"`, `"kid":"../../etc/passwd"`), unknownKey},
		{"kid SQL", head(`"kid":"1"`, `"kid":"1' OR '1'='1"`), unknownKey},
		{"kid with a leading zero", head(`"kid":"1"`, `"kid":"01"`), unknownKey},
		{"kid 257", head(`"kid":"1"`, `"kid":"257"`), unknownKey},
		{"kid of the root", signUnhindered(tb, rootSeed, strings.Replace(header, `"1"`, `"`+mustRoot(tb).Thumbprint()+`"`, 1), payload), unknownKey},
		{"a key of its own in the header", head(`"typ"`, `"jwk":{},"typ"`), malformed},
		{"alg twice", head(`"kid"`, `"alg":"none","kid"`), malformed},
		{"header null", signed("null", payload), malformed},
		{"payload null", signed(header, "null"), malformed},
		{"payload empty", signed(header, ""), malformed},
		{"claim twice", head(`"tier":"AA"`, `"tier":"C","tier":"AA"`), malformed},
		{"claim twice, in capitals", head(`"colour":"green"`, `"Colour":"red","colour":"green"`), malformed},
		{"a claim more", head(`"qc"`, `"nbf":0,"qc"`), malformed},
		{"no exp", head(`"exp":1826850800,`, ``), malformed},
		{"exp a fraction", head(`1826850800`, `1826850800.5`), malformed},
		{"iat in milliseconds", head(`"iat":1795314800`, `"iat":1795314800000`), malformed},
		{"another issuer", head(`"iss":"`+issuer, `"iss":"https://evil.example`), unknownKey},
		{"version 2 of the JWT", head(`"v":1`, `"v":2`), unsupported},
		{"loose base64", loosen(issued.JWT), malformed},
		{"padded base64", issued.JWT + "=", malformed},
		{"line break inside", issued.JWT[:100] + "\n" + issued.JWT[100:], malformed},
		{"line break in the signature", issued.JWT[:len(issued.JWT)-9] + "\r\n" + issued.JWT[len(issued.JWT)-9:], malformed},
		{"four parts", issued.JWT + ".AAAA", malformed},
		{"dots", "..", malformed},
		{"a code by a key not yet in use", mustIssue(tb, future, codeAt(placeGood)).URL, unknownKey},
		{"a code by a key no longer used", mustIssue(tb, retired, codeAt(placeGood)).URL, unknownKey},
	} {
		cases = append(cases, tableCase{Name: "text: " + c.name, Bundles: today, Text: c.text, Now: anyTime, Verdict: refused(c.want)})
	}
	for name, r := range map[string]repetition{
		"text: 10 MB of digits":        {"", "7", 10 << 20, ""},
		"text: 10 MB of dots":          {"", ".", 10 << 20, ""},
		"text: a JWT of 10 MB":         {issued.JWT, "A", 10 << 20, ""},
		"text: one over the cap":       {"", "1", credential.MaxText + 1, ""},
		"text: a URL with a long path": {issuer + "/v/", "0", 100_000, ""},
	} {
		cases = append(cases, tableCase{Name: name, Bundles: today, Repeat: &r, Now: anyTime, Verdict: refused(malformed)})
	}
	sort.SliceStable(cases, func(i, j int) bool { return cases[i].Name < cases[j].Name })
	return cases
}
