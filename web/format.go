package web

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"healthcode/registry"
)

// minus is the true minus sign; a hyphen would be read as a dash.
const minus = "−"

// Hundredths writes a number of hundredths with two decimals: 8735 is 87.35.
func Hundredths(n int64) string {
	sign := ""
	if n < 0 {
		sign, n = minus, -n
	}
	return fmt.Sprintf("%s%d.%02d", sign, n/100, n%100)
}

// Signed is Hundredths with a plus sign before gains.
func Signed(n int64) string {
	if n > 0 {
		return "+" + Hundredths(n)
	}
	return Hundredths(n)
}

// Millionths writes a mass in checks with three decimals, rounded half up: 1500000 is 1.500.
func Millionths(n int64) string {
	sign := ""
	if n < 0 {
		sign, n = minus, -n
	}
	n = (n + 500) / 1000
	return fmt.Sprintf("%s%d.%03d", sign, n/1000, n%1000)
}

// Thousandths writes thousandths as per cent: 400 is 40 %.
func Thousandths(n int64) string {
	if n%10 == 0 {
		return fmt.Sprintf("%d %%", n/10)
	}
	return fmt.Sprintf("%d.%d %%", n/10, n%10)
}

// Count writes a number with a comma between thousands.
func Count(n int64) string {
	digits := strconv.FormatInt(max(n, -n), 10)
	var b strings.Builder
	if n < 0 {
		b.WriteString(minus)
	}
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// Share writes part of whole as per cent with one decimal, rounded half up.
func Share(part, whole int64) string {
	if whole <= 0 {
		return "0.0 %"
	}
	tenths := (part*2000 + whole) / (2 * whole)
	return fmt.Sprintf("%d.%d %%", tenths/10, tenths%10)
}

// Date writes a day the way the language's readers write it. No day is a dash.
func Date(language Language, day registry.Day) string {
	if day == 0 {
		return "–"
	}
	if language == English {
		return day.Time().Format("2 Jan 2006")
	}
	return day.Time().Format("2006年1月2日")
}

// Moment writes an instant to the minute in Asia/Shanghai. The zero time is a dash.
func Moment(language Language, t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	t = t.In(registry.Shanghai)
	if language == English {
		return t.Format("2 Jan 2006, 15:04")
	}
	return t.Format("2006年1月2日 15:04")
}
