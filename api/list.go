package api

import (
	"strconv"
)

// The sizes of a page of a list.
const (
	defaultLimit = 50
	maxLimit     = 500
)

// List is one page of a list as JSON. Next is the cursor of the following page, absent on the last one.
type List[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"`

	limit int
	last  string
}

func newList[T any](limit int) *List[T] { return &List[T]{Items: []T{}, limit: limit} }

// add appends an item whose cursor is given. It returns false when the page was full already: then there is a next page.
func (l *List[T]) add(item T, cursor string) bool {
	if len(l.Items) == l.limit {
		l.Next = l.last
		return false
	}
	l.Items = append(l.Items, item)
	l.last = cursor
	return true
}

// readLimit reads limit=, 1 to 500. Nothing means 50.
func readLimit(text string) (int, error) {
	if text == "" {
		return defaultLimit, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxLimit {
		return 0, badField("limit", "is out of range", "a number from 1 to "+strconv.Itoa(maxLimit))
	}
	return n, nil
}
