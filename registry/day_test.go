package registry_test

import (
	"testing"
	"time"

	"healthcode/registry"

	"pgregory.net/rapid"
)

func TestParseDay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		want registry.Day
		bad  bool
	}{
		"first day":        {text: "1900-01-01", want: 1},
		"second day":       {text: "1900-01-02", want: 2},
		"1970":             {text: "1970-01-01", want: 25568},
		"no day":           {text: "", want: 0},
		"leap day":         {text: "2024-02-29", want: 45350},
		"no leap day":      {text: "2023-02-29", bad: true},
		"before 1900":      {text: "1899-12-31", bad: true},
		"after 2199":       {text: "2200-01-01", bad: true},
		"slashes":          {text: "2024/02/01", bad: true},
		"with a time":      {text: "2024-02-01T00:00:00Z", bad: true},
		"one-digit month":  {text: "2024-2-1", bad: true},
		"negative":         {text: "-2024-02-01", bad: true},
		"blanks around it": {text: " 2024-02-01 ", bad: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := registry.ParseDay(c.text)
			if got != c.want || (err != nil) != c.bad {
				t.Errorf("got %d, %v; want %d, bad %t", got, err, c.want, c.bad)
			}
		})
	}
}

func TestDayOfIsTheShanghaiDay(t *testing.T) {
	t.Parallel()
	evening := time.Date(2026, 11, 22, 15, 59, 59, 0, time.UTC)
	if got := registry.DayOf(evening).String(); got != "2026-11-22" {
		t.Errorf("15:59:59 UTC is 23:59:59 in Shanghai: got %s", got)
	}
	if got := registry.DayOf(evening.Add(time.Second)).String(); got != "2026-11-23" {
		t.Errorf("16:00 UTC is midnight in Shanghai: got %s", got)
	}
}

func TestDayRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		day := registry.Day(rapid.IntRange(1, 100_000).Draw(t, "day"))
		back, err := registry.ParseDay(day.String())
		if err != nil || back != day || registry.DayOf(day.Time()) != day {
			t.Fatalf("%d became %q and %d, %v", day, day.String(), back, err)
		}
	})
}

// Every day is read as package time reads it.
func TestEveryDay(t *testing.T) {
	t.Parallel()
	last := registry.MustDay("2199-12-31")
	for day := registry.Day(1); day <= last; day++ {
		if got, err := registry.ParseDay(day.String()); err != nil || got != day {
			t.Fatalf("%s is read as day %d, %v, want %d", day, got, err, day)
		}
	}
}
