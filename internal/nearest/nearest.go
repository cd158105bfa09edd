// Package nearest finds the name that was probably meant, for error messages.
package nearest

import "strings"

// Name is the one of names that is the fewest edits away from name, case apart, if they are few; "" otherwise.
func Name(name string, names []string) string {
	best, least := "", max(1, min(len(name), longest)/2)+1
	for _, n := range names {
		if d := edits(strings.ToLower(name), strings.ToLower(n)); d < least {
			best, least = n, d
		}
	}
	return best
}

// longest is how much of a name counts, in bytes.
const longest = 64

// edits is Levenshtein's distance between a and b in bytes, by the dynamic programme over one row.
func edits(a, b string) int {
	a, b = a[:min(len(a), longest)], b[:min(len(b), longest)]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
