package registry

import (
	"errors"
	"fmt"
	"time"
)

// Day is a calendar day in Asia/Shanghai, counted so that 1 is 1900-01-01. Zero means "no day".
type Day int32

// Shanghai is the zone of every day and of every screen. China has used UTC+8 without summer time since 1992.
var Shanghai = time.FixedZone("Asia/Shanghai", 8*60*60)

// ErrDay is the reason for a text that is not a day between 1900-01-01 and 2199-12-31.
var ErrDay = errors.New("not a date of the form YYYY-MM-DD")

const unixDayOf1900 = -25568 // 1899-12-31, day zero, in days since 1970-01-01

// maxDay is 2199-12-31.
var maxDay = DayOf(time.Date(2199, 12, 31, 0, 0, 0, 0, Shanghai))

// DayOf returns the Asia/Shanghai day of an instant.
func DayOf(t time.Time) Day {
	_, offset := t.In(Shanghai).Zone()
	seconds := t.Unix() + int64(offset)
	days := seconds / 86400
	if seconds%86400 < 0 {
		days--
	}
	return Day(days - unixDayOf1900)
}

// ParseDay reads YYYY-MM-DD strictly. The empty text is no day.
func ParseDay(text string) (Day, error) {
	if text == "" {
		return 0, nil
	}
	if day := quickDay(text); day != 0 {
		return day, nil
	}
	t, err := time.ParseInLocation(time.DateOnly, text, Shanghai)
	if err != nil {
		return 0, fmt.Errorf("%w: %.20q", ErrDay, text)
	}
	day := DayOf(t)
	if day < 1 || day > maxDay {
		return 0, fmt.Errorf("%w between 1900 and 2199: %.20q", ErrDay, text)
	}
	return day, nil
}

// quickDay reads most days: the first 28 of each month from 1901 to 2199, without looking at how long the month is. Zero leaves the text to package time.
func quickDay(text string) Day {
	if len(text) != len(time.DateOnly) || text[4] != '-' || text[7] != '-' {
		return 0
	}
	for _, at := range [...]int{0, 1, 2, 3, 5, 6, 8, 9} {
		if text[at] < '0' || text[at] > '9' {
			return 0
		}
	}
	number := func(from int) int { return int(text[from]-'0')*10 + int(text[from+1]-'0') }
	year, month, day := number(0)*100+number(2), number(5), number(8)
	if year < 1901 || year > 2199 || month < 1 || month > 12 || day < 1 || day > 28 {
		return 0
	}
	if month -= 3; month < 0 { // years that begin in March have their leap day at the end
		month, year = month+12, year-1
	}
	// 153 days in five months from March on; 60 is 1900-03-01
	return Day(60 + 365*(year-1900) + year/4 - year/100 + year/400 - (1900/4 - 1900/100 + 1900/400) + (153*month+2)/5 + day - 1)
}

// MustDay is ParseDay for constants and tests; it panics on a bad text.
func MustDay(text string) Day {
	day, err := ParseDay(text)
	if err != nil {
		panic(err)
	}
	return day
}

// Time returns midnight of the day in Asia/Shanghai.
func (d Day) Time() time.Time {
	return time.Unix((int64(d)+unixDayOf1900)*86400-8*60*60, 0).In(Shanghai)
}

// String returns YYYY-MM-DD, or the empty text for no day.
func (d Day) String() string {
	if d == 0 {
		return ""
	}
	return d.Time().Format(time.DateOnly)
}

// MarshalText writes the day as String does.
func (d Day) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads the day as ParseDay does.
func (d *Day) UnmarshalText(text []byte) error {
	day, err := ParseDay(string(text))
	if err != nil {
		return err
	}
	*d = day
	return nil
}
