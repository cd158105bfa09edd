package comm

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// place is where some ranks are together.
type place struct {
	text  string // "Recv from 3 tag 5 (main.go:57)"
	ranks []int
	wait  time.Duration // the longest
	size  int           // a collective's: ranks that it takes
}

// sentence says where all ranks are, if a rank has waited for long in a collective, or every rank in anything; else it is
// empty. The key is the same for the same hang.
func sentence(all []answer, long time.Duration) (text, key string) {
	var waits, elsewhere, idle, silent, gone []place
	free := len(all) // ranks that do not wait for long
	var longest time.Duration
	for _, a := range all {
		now := a.blocked()
		switch {
		case a.gone:
			gone = meet(gone, place{}, a.rank)
			free--
		case a.silent:
			silent = meet(silent, place{}, a.rank)
		case now == nil:
			idle = meet(idle, a.idle(), a.rank)
		case now.Seq > 0:
			longest = max(longest, now.Waited)
			waits = meet(waits, placeOf(*now, len(all)), a.rank)
		default:
			elsewhere = meet(elsewhere, placeOf(*now, len(all)), a.rank)
		}
		if now != nil && now.Waited >= long {
			free--
		}
	}
	if longest < long && free > 0 || len(waits)+len(elsewhere) == 0 {
		return "", ""
	}
	slices.SortStableFunc(waits, func(a, b place) int { return cmp.Compare(b.wait, a.wait) })
	var parts []string
	for _, p := range waits {
		parts = append(parts, fmt.Sprintf("%s in %s for %s", p.share(len(all)), p.text, ago(p.wait)))
	}
	for _, p := range elsewhere {
		parts = append(parts, fmt.Sprintf("%s in %s for %s", verb(p.ranks, "is", "are"), p.text, ago(p.wait)))
	}
	for _, p := range idle {
		part := verb(p.ranks, "is", "are") + " in none" + p.text
		if p.wait > 0 {
			part += " " + ago(p.wait) + " ago"
		}
		parts = append(parts, part)
	}
	for _, p := range silent {
		parts = append(parts, verb(p.ranks, "does", "do")+" not answer")
	}
	for _, p := range gone {
		parts = append(parts, verb(p.ranks, "is", "are")+" gone")
	}
	return few(parts), append(waits, elsewhere...)[0].text
}

// few joins the parts of a sentence, of which there may be as many as ranks.
func few(parts []string) string {
	const most = 8
	if more := len(parts) - most; more > 0 {
		parts = append(parts[:most:most], fmt.Sprintf("and %d more ranks or groups of ranks elsewhere", more))
	}
	return strings.Join(parts, "; ")
}

// blocked is where the program of the rank waits for longest, or nil.
func (a answer) blocked() *record {
	for i, r := range a.at {
		if r.Blocked && !r.Ended {
			return &a.at[i]
		}
	}
	return nil
}

// idle is the place of a rank that waits in nothing.
func (a answer) idle() place {
	for _, r := range a.at {
		if !r.Ended {
			return place{text: ", with " + r.position().String() + " under way"}
		}
	}
	if n := len(a.at); n > 0 {
		last := a.at[n-1].position()
		return place{text: ", last in " + last.String(), wait: last.Waited}
	}
	return place{text: " yet"}
}

func placeOf(r record, size int) place {
	at := r.position()
	if at.Size > 0 {
		size = at.Size
	}
	return place{text: at.String(), wait: at.Waited, size: size}
}

// meet adds a rank to those in the same place.
func meet(places []place, at place, rank int) []place {
	i := slices.IndexFunc(places, func(p place) bool { return p.text == at.text })
	if i < 0 {
		i, places = len(places), append(places, at)
	}
	places[i].ranks = append(places[i].ranks, rank)
	places[i].wait = max(places[i].wait, at.wait)
	return places
}

// share is "3 of 4 ranks wait", or which ones where the collective does not take all.
func (p place) share(all int) string {
	n := len(p.ranks)
	switch {
	case p.size < all:
		return fmt.Sprintf("%s (%d of %d) %s", ranksOf(p.ranks), n, p.size, plural(n, "waits", "wait"))
	case n == p.size:
		return fmt.Sprintf("all %d ranks wait", n)
	default:
		return fmt.Sprintf("%d of %d ranks %s", n, p.size, plural(n, "waits", "wait"))
	}
}

func verb(ranks []int, one, several string) string {
	return ranksOf(ranks) + " " + plural(len(ranks), one, several)
}

func plural(n int, one, several string) string {
	if n == 1 {
		return one
	}
	return several
}

func ago(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%d s", int(d.Round(time.Second).Seconds()))
	}
	return d.Round(time.Second).String()
}
