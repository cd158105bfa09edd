package sim

import "slices"

// Reads of registers that nothing wrote are found in two steps. Where every path to a read writes the register first, nothing is
// left to do; the other reads are checked for each thread as the kernel runs.

// maxFlow bounds the words that the analysis may take; a kernel beyond checks every read as it runs.
const maxFlow = 1 << 22

// maxFlowSteps bounds its time likewise, in words looked at.
const maxFlowSteps = 1 << 26

type rowSet []uint64

func (s rowSet) has(i int) bool { return s[i/64]>>(i%64)&1 == 1 }
func (s rowSet) add(i int)      { s[i/64] |= 1 << (i % 64) }

// unwritten sets, for each instruction, which rows it must check before and mark after.
func (k *Kernel) unwritten() {
	starts, blockOf := k.stretches()
	words := (len(k.rows) + 63) / 64
	var in []rowSet
	if len(starts)*words <= maxFlow {
		in = k.flow(starts, blockOf, words)
	}
	slices.Sort(k.loose)
	k.loose = slices.DeleteFunc(slices.Compact(k.loose), func(r int) bool { return k.rows[r].kind != registerRow })
	checked := make([]bool, len(k.rows))
	cur := make(rowSet, words)
	for i := range k.code {
		x := &k.code[i]
		if x.leader {
			clear(cur)
			if in != nil && in[blockOf[i]] != nil {
				copy(cur, in[blockOf[i]])
			}
		}
		for _, r := range x.reads {
			if k.rows[r].kind == registerRow && !cur.has(r) {
				x.checks = append(x.checks, r)
				checked[r] = true
			}
		}
		if x.guard < 0 {
			for _, r := range x.writes {
				cur.add(r)
			}
		}
	}
	for i := range k.code {
		x := &k.code[i]
		for _, r := range x.writes {
			if checked[r] {
				x.marks = append(x.marks, r)
			}
		}
	}
	for r, c := range checked {
		if c {
			k.checked = append(k.checked, r)
		}
	}
}

// stretches numbers the pieces of code between leaders.
func (k *Kernel) stretches() (starts, blockOf []int) {
	blockOf = make([]int, len(k.code))
	for i := range k.code {
		if k.code[i].leader {
			starts = append(starts, i)
		}
		blockOf[i] = len(starts) - 1
	}
	return starts, blockOf
}

// flow returns what is surely written where each stretch begins; nil for one that is never reached.
func (k *Kernel) flow(starts, blockOf []int, words int) []rowSet {
	in := make([]rowSet, len(starts))
	in[0] = make(rowSet, words)
	work := []int{0}
	queued := make([]bool, len(starts))
	for steps := 0; len(work) > 0; steps++ {
		if steps*words > maxFlowSteps {
			return nil
		}
		s := work[len(work)-1]
		work = work[:len(work)-1]
		queued[s] = false
		out := append(rowSet(nil), in[s]...)
		i := starts[s]
		for {
			x := &k.code[i]
			if x.guard < 0 {
				for _, r := range x.writes {
					out.add(r)
				}
			}
			if i+1 == len(k.code) || k.code[i+1].leader {
				break
			}
			i++
		}
		last := &k.code[i]
		targets := append([]int(nil), last.targets...)
		if i+1 < len(k.code) && (last.control == next || last.control == meet || last.guard >= 0) {
			targets = append(targets, i+1)
		}
		for _, to := range targets {
			t := blockOf[to]
			if meetSets(&in[t], out) && !queued[t] {
				queued[t] = true
				work = append(work, t)
			}
		}
	}
	return in
}

// meetSets keeps in dst what is in both and reports whether it changed.
func meetSets(dst *rowSet, s rowSet) bool {
	if *dst == nil {
		*dst = append(rowSet(nil), s...)
		return true
	}
	changed := false
	for i, w := range s {
		if both := (*dst)[i] & w; both != (*dst)[i] {
			(*dst)[i] = both
			changed = true
		}
	}
	return changed
}

// check looks for a thread that reads a register it never wrote.
func (b *block) check(in *inst, lanes []uint16) bool {
	act := lanes
	for _, r := range in.checks {
		if r != in.guard && in.guard >= 0 { // the guard itself is checked first, being the first read
			act, _ = b.guarded(in, lanes)
		}
		w := b.written[r]
		for _, l := range act {
			if !w[l] {
				b.fail(ErrUnwritten, l, 0, "register %s was never written", b.k.rows[r].name)
				return false
			}
		}
	}
	return true
}

// markWritten notes what an instruction wrote for some threads.
func (b *block) markWritten(at int, lanes []uint16) {
	for _, r := range b.k.code[at].marks {
		w := b.written[r]
		for _, l := range lanes {
			w[l] = true
		}
	}
}
