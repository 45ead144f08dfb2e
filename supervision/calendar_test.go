package supervision

import (
	"errors"
	"testing"

	"healthcode/registry"

	"pgregory.net/rapid"
)

func day(text string) registry.Day { return registry.MustDay(text) }

func TestWorkingDays(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		day  string
		want bool
	}{
		"a Thursday":                    {"2026-11-26", true},
		"a Saturday":                    {"2026-11-28", false},
		"the first of October":          {"2026-10-01", false},
		"a Saturday that is moved":      {"2026-10-10", true},
		"a Sunday that is moved":        {"2026-09-20", true},
		"Spring Festival's last":        {"2026-02-23", false},
		"a weekday of an unknown year":  {"2031-10-01", true},
		"a Saturday of an unknown year": {"2031-10-04", false},
	} {
		if got := China().Working(day(c.day)); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
	if !China().Knows(day("2026-12-31")) || China().Knows(day("2027-01-01")) {
		t.Error("2026 is the year whose moved days are known")
	}
}

func TestTerms(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ got, want string }{
		"three working days over a weekend":  {China().Add(day("2026-11-26"), 3).String(), "2026-12-01"},
		"two working days over a long feast": {China().Add(day("2026-09-30"), 2).String(), "2026-10-09"},
		"a moved Saturday is a working day":  {China().Add(day("2026-10-09"), 1).String(), "2026-10-10"},
		"15 days":                            {China().End(day("2026-11-02"), 15).String(), "2026-11-17"},
		"15 days that end on a Sunday":       {China().End(day("2026-11-07"), 15).String(), "2026-11-23"},
		"15 days that end within a feast":    {China().End(day("2026-09-18"), 15).String(), "2026-10-08"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", name, c.got, c.want)
		}
	}
}

func TestCalendarRefuses(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nothing":              ``,
		"a list":               `[]`,
		"unknown":              `{"days":[]}`,
		"something after":      `{"years":[2026]} 1`,
		"of another year":      `{"years":[2026],"rest":["2025-10-01"]}`,
		"a weekend of rest":    `{"years":[2026],"rest":["2026-10-03"]}`,
		"a weekday of work":    `{"years":[2026],"work":["2026-10-08"]}`,
		"twice":                `{"years":[2026],"rest":["2026-10-01","2026-10-01"]}`,
		"no day":               `{"years":[2026],"rest":[""]}`,
		"a day that is not":    `{"years":[2026],"rest":["2026-02-30"]}`,
		"all years of history": `{"years":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33,34,35,36,37,38,39,40,41,42,43,44,45,46,47,48,49,50,51]}`,
	} {
		if _, err := ReadCalendar([]byte(text)); !errors.Is(err, ErrCalendar) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzReadCalendar(f *testing.F) {
	f.Add(knownHolidays)
	f.Add([]byte(`{"years":[2026],"rest":["2026-10-01"]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4096 {
			return
		}
		c, err := ReadCalendar(data)
		if err != nil {
			return
		}
		for day := range c.moved {
			if c.Working(day) != weekend(day) {
				t.Errorf("%s is moved and is not", day)
			}
		}
	})
}

// More days never end earlier, a later start never ends earlier, and every end is a working day after the start.
func TestTermsAreMonotone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		from := registry.Day(rapid.IntRange(int(day("2025-06-01")), int(day("2028-01-01"))).Draw(t, "from"))
		n := rapid.IntRange(1, 60).Draw(t, "n")
		for name, end := range map[string]func(registry.Day, int) registry.Day{"working": China().Add, "calendar": China().End} {
			got := end(from, n)
			switch {
			case got < from+registry.Day(n) || !China().Working(got):
				t.Fatalf("%s: %d days after %s is %s", name, n, from, got)
			case end(from, n+1) < got || end(from+1, n) < got:
				t.Fatalf("%s: %d days after %s is %s, and more is less", name, n, from, got)
			}
		}
	})
}
