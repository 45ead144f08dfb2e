package exchange

// nearest returns the candidate with the fewest changed letters, or nothing when more than a third of the name would change.
func nearest(name string, candidates []string) string {
	best, least := "", len([]rune(name))/3+1
	for _, candidate := range candidates {
		if d := distance([]rune(name), []rune(candidate)); d <= least && (best == "" || d < least) {
			best, least = candidate, d
		}
	}
	return best
}

// distance is Levenshtein's. Names longer than 100 letters are near nothing.
func distance(a, b []rune) int {
	if len(a) > 100 || len(b) > 100 {
		return 100
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
