package web

import (
	"testing"
	"time"

	"healthcode/registry"
)

func TestNumbers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ got, want string }{
		"index":                   {Hundredths(8735), "87.35"},
		"index with a zero":       {Hundredths(8705), "87.05"},
		"nothing":                 {Signed(0), "0.00"},
		"gain":                    {Signed(120), "+1.20"},
		"loss":                    {Signed(-5), "−0.05"},
		"mass":                    {Millionths(1_500_000), "1.500"},
		"mass rounds half up":     {Millionths(999_500), "1.000"},
		"mass below half":         {Millionths(999_499), "0.999"},
		"negative mass":           {Millionths(-2_000), "−0.002"},
		"weight":                  {Thousandths(400), "40 %"},
		"weight with a tenth":     {Thousandths(125), "12.5 %"},
		"small count":             {Count(7), "7"},
		"thousand":                {Count(1000), "1,000"},
		"million":                 {Count(1234567), "1,234,567"},
		"negative count":          {Count(-1234), "−1,234"},
		"share":                   {Share(1, 3), "33.3 %"},
		"share of nothing":        {Share(1, 0), "0.0 %"},
		"share of all":            {Share(9, 9), "100.0 %"},
		"day in Chinese":          {Date(Chinese, registry.MustDay("2026-11-02")), "2026年11月2日"},
		"day in English":          {Date(English, registry.MustDay("2026-11-02")), "2 Nov 2026"},
		"no day":                  {Date(English, 0), "–"},
		"moment is Shanghai's":    {Moment(English, time.Date(2026, 11, 22, 16, 5, 0, 0, time.UTC)), "23 Nov 2026, 00:05"},
		"moment in Chinese":       {Moment(Chinese, time.Date(2026, 11, 22, 1, 5, 0, 0, time.UTC)), "2026年11月22日 09:05"},
		"no moment":               {Moment(Chinese, time.Time{}), "–"},
		"language switch":         {Page{Lang: Chinese, Path: "/"}.Switch(), "/?lang=en"},
		"link keeps no language":  {Page{Lang: English}.Link("/x"), "/x"},
		"link keeps a chosen one": {Page{Lang: English, Chosen: true}.Link("/x?a=1"), "/x?a=1&lang=en"},
		"chosen, no query":        {Page{Lang: English, Chosen: true}.Link("/x"), "/x?lang=en"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.got != c.want {
				t.Errorf("got %q, want %q", c.got, c.want)
			}
		})
	}
}

func TestAcceptedLanguage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		header string
		want   Language
	}{
		"none":                 {"", Chinese},
		"English":              {"en-GB,en;q=0.8", English},
		"Chinese":              {"zh-CN,zh;q=0.9,en;q=0.8", Chinese},
		"neither":              {"fr-FR,de;q=0.8", Chinese},
		"English after French": {"fr,en;q=0.3", English},
		"by weight":            {"zh;q=0.2, en;q=0.9", English},
		"zero weight":          {"en;q=0", Chinese},
		"weight not a number":  {"en;q=much", Chinese},
		"weight above one":     {"en;q=7", Chinese},
		"NaN":                  {"en;q=NaN", Chinese},
		"only commas":          {",,,,;;;q=", Chinese},
		"Traditional Chinese":  {"zh-TW,en;q=0.5", Chinese},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := AcceptedLanguage(c.header); got != c.want {
				t.Errorf("%q chose %s", c.header, got)
			}
		})
	}
}

func FuzzAcceptedLanguage(f *testing.F) {
	f.Add("zh-CN,zh;q=0.9,en;q=0.8")
	f.Fuzz(func(t *testing.T, header string) {
		if got := AcceptedLanguage(header); got != Chinese && got != English {
			t.Errorf("%q chose %q", header, got)
		}
	})
}
