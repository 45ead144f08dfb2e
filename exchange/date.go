package exchange

import (
	"fmt"
	"strings"
	"time"

	"healthcode/registry"
)

// looseDay are the ways of writing a day that are read besides YYYY-MM-DD.
var looseDay = []string{"2006-1-2", "2006/1/2", "2006.1.2", "20060102", "2006年1月2日"}

const wantDay = "a date such as 2024-03-01, 2024/3/1, 20240301 or 2024年3月1日"

// parseDay reads a day in one of the usual forms. A time of day behind it, as exports add it, is dropped: the day is Asia/Shanghai's.
func parseDay(text string) (registry.Day, error) {
	if day, err := registry.ParseDay(text); err == nil {
		return day, nil
	}
	date := dropTime(text)
	for _, layout := range looseDay {
		if t, err := time.ParseInLocation(layout, date, registry.Shanghai); err == nil {
			return dayOf(t, text)
		}
	}
	return 0, fmt.Errorf("%w: %.20q", registry.ErrDay, text)
}

func dayOf(t time.Time, text string) (registry.Day, error) {
	day, err := registry.ParseDay(t.Format(time.DateOnly))
	if err != nil {
		return 0, fmt.Errorf("%.20q: %w", text, err)
	}
	return day, nil
}

func dropTime(text string) string {
	date, clock, found := strings.Cut(text, " ")
	if !found {
		return text
	}
	for _, layout := range []string{"15:04:05", "15:04", "15:04:05.000"} {
		if _, err := time.Parse(layout, clock); err == nil {
			return date
		}
	}
	return text
}

// dateTokens turn the words of a mapping's date format into Go's.
var dateTokens = strings.NewReplacer("YYYY", "2006", "YY", "06", "MM", "01", "M", "1", "DD", "02", "D", "2")

// dateLayout checks a date format such as DD/MM/YYYY.
func dateLayout(format string) (string, error) {
	layout := dateTokens.Replace(format)
	probe := time.Date(2017, 11, 23, 0, 0, 0, 0, registry.Shanghai)
	back, err := time.ParseInLocation(layout, probe.Format(layout), registry.Shanghai)
	if err != nil || !back.Equal(probe) {
		return "", fmt.Errorf("%.40q is no date format; write it with YYYY, MM or M, and DD or D, such as DD/MM/YYYY", format)
	}
	return layout, nil
}
