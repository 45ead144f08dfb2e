package supervision

import (
	"bytes"
	_ "embed" // the days of the years that are known
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"healthcode/registry"
)

// Calendar says which days are working days in China. Weekends follow from the rule; the days that the State Council moves each year are data.
// Of a year without data only weekends are known: see Knows.
type Calendar struct {
	moved map[registry.Day]bool // true: a weekend on which people work; false: a weekday on which they rest
	years []int
}

// ErrCalendar is the reason for data that are no calendar.
var ErrCalendar = errors.New("not a calendar of working days")

// calendarFile is a calendar as data: the years that it is complete for, weekdays on which people rest, weekend days on which they work.
type calendarFile struct {
	Source string         `json:"source"`
	Years  []int          `json:"years"`
	Rest   []registry.Day `json:"rest"`
	Work   []registry.Day `json:"work"`
}

//go:embed holidays.json
var knownHolidays []byte

var chinaCalendar = sync.OnceValue(func() *Calendar {
	c, err := ReadCalendar(knownHolidays)
	if err != nil {
		panic(err) // our own file, which a test reads
	}
	return c
})

// China returns the calendar with the years that this program knows.
func China() *Calendar { return chinaCalendar() }

// maxCalendarYears bounds a file of days.
const maxCalendarYears = 50

// ReadCalendar reads a calendar from JSON: {"source", "years", "rest", "work"}. A day of rest must be a weekday, a day of work a weekend, each in
// one of the years, each named once.
func ReadCalendar(data []byte) (*Calendar, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	var file calendarFile
	if err := decoder.Decode(&file); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCalendar, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: something follows it", ErrCalendar)
	}
	if len(file.Years) > maxCalendarYears {
		return nil, fmt.Errorf("%w: %d years", ErrCalendar, len(file.Years))
	}
	c := &Calendar{moved: map[registry.Day]bool{}, years: file.Years}
	for work, days := range map[bool][]registry.Day{false: file.Rest, true: file.Work} {
		for _, day := range days {
			if err := c.move(day, work); err != nil {
				return nil, err
			}
		}
	}
	return c, nil
}

func (c *Calendar) move(day registry.Day, work bool) error {
	if _, twice := c.moved[day]; twice || day == 0 || weekend(day) != work || !c.Knows(day) {
		return fmt.Errorf("%w: %s is there twice, of another year, or needs no word", ErrCalendar, day)
	}
	c.moved[day] = work
	return nil
}

func weekend(day registry.Day) bool {
	on := day.Time().Weekday()
	return on == time.Saturday || on == time.Sunday
}

// Knows reports whether the moved days of a day's year are known. Otherwise only its weekends are.
func (c *Calendar) Knows(day registry.Day) bool { return slices.Contains(c.years, day.Time().Year()) }

// Working reports whether people work on a day.
func (c *Calendar) Working(day registry.Day) bool {
	if work, moved := c.moved[day]; moved {
		return work
	}
	return !weekend(day)
}

// Add returns the nth working day after a day, which itself does not count (Civil Code art. 201); n is 1 or more.
func (c *Calendar) Add(day registry.Day, n int) registry.Day {
	for ; n > 0; n-- {
		day++
		for !c.Working(day) {
			day++
		}
	}
	return day
}

// End returns the last day of a term of calendar days: n days after the first, or the next working day when that is a day of rest (Civil Code
// art. 203).
func (c *Calendar) End(first registry.Day, n int) registry.Day {
	day := first + registry.Day(n) //nolint:gosec // terms are days, not millennia
	for !c.Working(day) {
		day++
	}
	return day
}
