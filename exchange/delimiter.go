package exchange

import (
	"fmt"
	"strings"
)

// delimiters are the separators of columns that a CSV file may use.
const delimiters = ",;\t|"

var delimiterNames = map[rune]string{',': "comma", ';': "semicolon", '\t': "tab", '|': "pipe", '，': "full-width comma", '；': "full-width semicolon", '、': "enumeration comma"}

// detectDelimiter finds the separator that a header line uses. One candidate alone is it; a line without any is a table of one
// column; where several occur the comma must be the most frequent, or the line is refused.
func detectDelimiter(header string) (byte, error) {
	count := countOutsideQuotes(header)
	used := byte(',')
	var seen []string
	for i := range len(delimiters) {
		if n := count[rune(delimiters[i])]; n > 0 {
			used = delimiters[i]
			seen = append(seen, fmt.Sprintf("%d %s", n, delimiterNames[rune(used)]))
		}
	}
	if len(seen) == 1 {
		return used, nil
	}
	if len(seen) > 1 {
		return dominant(count, seen)
	}
	for _, wide := range "，；、" {
		if count[wide] > 0 {
			return 0, fmt.Errorf("%w: the header line is separated by the %s %q; use a comma", ErrDelimiter, delimiterNames[wide], wide)
		}
	}
	return ',', nil
}

func dominant(count map[rune]int, seen []string) (byte, error) {
	for _, other := range delimiters[1:] {
		if count[other] >= count[','] {
			return 0, fmt.Errorf("%w: the header line has %s; name the delimiter", ErrDelimiter, strings.Join(seen, ", "))
		}
	}
	return ',', nil
}

func countOutsideQuotes(line string) map[rune]int {
	count := map[rune]int{}
	quoted := false
	for _, r := range line {
		if r == '"' {
			quoted = !quoted
		} else if !quoted {
			count[r]++
		}
	}
	return count
}
