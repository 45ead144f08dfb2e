package scoring

import "healthcode/registry"

// Days are read and written by the million, so the calendar is done here by integer arithmetic instead of package time
// (civil-from-days and days-from-civil of Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", public domain).

// day1900 is the day before 1900-01-01, counted in days from 0000-03-01.
const day1900 = 693900

// appendDate appends a day as YYYY-MM-DD.
func appendDate(dst []byte, day registry.Day) []byte {
	z := int(day) + day1900
	era := z / 146097
	doe := z - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	d := doy - (153*mp+2)/5 + 1
	m, y := mp+3, yoe+era*400
	if m > 12 {
		m, y = m-12, y+1
	}
	return append(dst, byte('0'+y/1000), byte('0'+y/100%10), byte('0'+y/10%10), byte('0'+y%10), '-',
		byte('0'+m/10), byte('0'+m%10), '-', byte('0'+d/10), byte('0'+d%10))
}

// parseDate reads YYYY-MM-DD or nothing.
func parseDate(text string) (registry.Day, bool) {
	if text == "" {
		return 0, true
	}
	if len(text) != 10 || text[4] != '-' || text[7] != '-' {
		return 0, false
	}
	y, okY := decimal(text[:4])
	m, okM := decimal(text[5:7])
	d, okD := decimal(text[8:])
	if !okY || !okM || !okD || y < 1900 || y > 2199 || m < 1 || m > 12 || d < 1 || d > daysIn(y, m) {
		return 0, false
	}
	if m <= 2 {
		y, m = y-1, m+12
	}
	era := y / 400
	yoe := y - era*400
	doy := (153*(m-3)+2)/5 + d - 1
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return registry.Day(era*146097 + doe - day1900), true
}

func daysIn(y, m int) int {
	switch {
	case m == 2 && y%4 == 0 && (y%100 != 0 || y%400 == 0):
		return 29
	case m == 2:
		return 28
	case m == 4, m == 6, m == 9, m == 11:
		return 30
	}
	return 31
}

func decimal(s string) (n int, ok bool) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, true
}
