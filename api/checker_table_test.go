package api

import (
	"os"
	"testing"

	"github.com/chromedp/chromedp"
)

// runTable runs the table of verdicts in the page as a stranger would use it: pin the root, remember, load the bundles in turn, verify. It
// returns what differs, one line a difference. The details of a verdict are words for people and are not compared.
const runTable = `(async (folder) => {
	const load = (name) => import(folder + name);
	const [{ readRoot, readBundle }, { takeIn }, { verdictOf }] = await Promise.all(["bundle.js", "memory.js", "verify.js"].map(load));
	const table = await (await fetch("/verdicts.json")).json();
	const root = await readRoot(JSON.stringify(table.root));
	const wrong = [];
	for (const one of table.cases) {
		const now = Date.parse(one.now) / 1000;
		let memory = one.memory, trusted = { exp: Infinity, keys: [], lists: [] };
		for (const [i, name] of one.bundles.entries()) {
			let refused = "";
			try {
				({ trusted, memory } = takeIn(await readBundle(table.bundles[name], root), memory, now));
			} catch (error) {
				refused = error.reason ?? "malformed";
			}
			if (refused !== one.refused[i]) wrong.push(one.name + ": bundle " + name + " gives " + refused + ", want " + one.refused[i]);
		}
		const repeat = one.text_repeat;
		const text = repeat ? repeat.before + repeat.part.repeat(repeat.times) + repeat.after : one.text;
		const { detail, why, elsewhere, ...verdict } = await verdictOf(text, trusted, now);
		const sorted = (value) => JSON.stringify(value, (_, v) => v?.constructor === Object ? Object.fromEntries(Object.entries(v).sort()) : v);
		if (sorted(verdict) !== sorted(one.verdict)) wrong.push(one.name + ": " + sorted(verdict) + ", want " + sorted(one.verdict));
	}
	return { cases: table.cases.length, wrong };
})`

// The browser gives every verdict of the table that the Go package and the command give.
func TestCheckerVerdicts(t *testing.T) {
	table, err := os.ReadFile("../credential/testdata/verdicts.json")
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t)
	s.more = map[string][]byte{"/verdicts.json": table}
	b := startBrowser(t)
	b.visit(t, s, "en")
	got := evaluate[struct {
		Cases int
		Wrong []string
	}](t, b, runTable+"("+quoted(folder(t))+")", chromedp.EvalAwaitPromise)
	if got.Cases < 60 {
		t.Errorf("the table has only %d cases", got.Cases)
	}
	for _, line := range got.Wrong {
		t.Error(line)
	}
}
