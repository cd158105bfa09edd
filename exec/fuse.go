package exec

import (
	"fmt"
	"math"
	"slices"

	"github.com/darray-go/darray/array"
)

// maxCode bounds the instructions of one program; a longer chain goes on in another one, over stored blocks.
const maxCode = 256

// apart reports whether v is computed by no program, but in a step of its own.
func (v *value) apart() bool { return v.kind == array.KindMatmul || v.kind == array.KindFilter }

// group is the values that one program computes in one pass, or one that is computed apart.
type group struct {
	stage   int
	n       int         // elements of the domain
	axes    array.Shape // of its broadcasting; nil where it has none
	split   bool        // each rank passes over its part; else over all
	members []int       // in order
}

// fusion is a graph whose values are in groups.
type fusion struct {
	*graph
	groups []*group
}

// fuse puts the values of g into groups. A reduction and a broadcast operand must be complete before they are used, so
// they end a stage; everything else of one element count, one stage and agreeing axes is one pass.
func fuse(g *graph) *fusion {
	f := &fusion{graph: g}
	f.classes()
	f.stages()
	f.assign()
	f.repeat()
	f.store()
	return f
}

// flat reports whether operand i of v is read at the position that is computed.
func (f *fusion) flat(v *value, i int) bool {
	a := f.values[v.args[i]]
	return !v.apart() && (a.kind != array.KindReduce || a.n > 1) && a.n == f.domain(v) && (v.strides == nil || v.strides[i] == nil)
}

// classes joins values that are read at the same flat position, unless their broadcasting needs different axes.
func (f *fusion) classes() {
	for i, v := range f.values {
		v.class = i
	}
	for i, v := range f.values {
		for j, a := range v.args {
			x, y := f.values[f.find(a)], f.values[f.find(i)]
			if x == y || f.values[a].apart() || f.values[a].kind == array.KindReduce || !f.flat(v, j) || x.axes != nil && y.axes != nil && !x.axes.Equal(y.axes) {
				continue
			}
			x.class = y.class
			if y.axes == nil {
				y.axes = x.axes
			}
		}
	}
	for i, v := range f.values {
		v.axes = f.values[f.find(i)].axes
	}
}

// find gives the value that stands for i's class.
func (f *fusion) find(i int) int {
	for f.values[i].class != i {
		f.values[i].class = f.values[f.values[i].class].class
		i = f.values[i].class
	}
	return i
}

// wait is how many stages v comes after its operand i: none where both can be in one pass.
func (f *fusion) wait(v *value, i int) int {
	a := f.values[v.args[i]]
	complete := a.kind == array.KindReduce || a.kind == array.KindScan // before anything reads it
	if v.kind == array.KindScan && v.extent.Inner > 1 {                // a scan of columns reads them from memory, which the plan counts
		return 1
	}
	if !complete && f.flat(v, i) && f.find(a.class) == f.find(v.class) && (a.leaf() || f.split(a) == f.split(v)) {
		return 0
	}
	return 1
}

// stages places each value as early as its operands allow, then element-wise ones as late as their users allow: what
// is only read later need not be stored.
func (f *fusion) stages() {
	for _, v := range f.values {
		for i, a := range v.args {
			if a := f.values[a]; !a.leaf() {
				v.stage = max(v.stage, a.stage+f.wait(v, i))
			}
		}
	}
	latest := make([]int, len(f.values))
	for i := range latest {
		latest[i] = math.MaxInt
	}
	for at, v := range slices.Backward(f.values) {
		if v.kind == array.KindOp && latest[at] != math.MaxInt {
			v.stage = latest[at]
		}
		for i, a := range v.args {
			latest[a] = min(latest[a], v.stage-f.wait(v, i))
		}
	}
}

// assign makes the groups. A group reads only from earlier stages and from earlier groups of its own.
func (f *fusion) assign() {
	type pass struct {
		stage, n int
		split    bool
		axes     string
		apart    int
	}
	open := make(map[pass]int)
	for at, v := range f.values {
		v.group = -1
		if v.leaf() {
			continue
		}
		p := pass{stage: v.stage, n: f.domain(v), split: f.split(v)}
		if v.axes != nil {
			p.axes = fmt.Sprint(v.axes)
		}
		if v.apart() {
			p.apart = at + 1
		}
		k, ok := open[p]
		if !ok || len(f.groups[k].members) >= maxCode {
			k = len(f.groups)
			open[p] = k
			f.groups = append(f.groups, &group{stage: p.stage, n: p.n, axes: v.axes, split: p.split})
		}
		v.group = k
		f.groups[k].members = append(f.groups[k].members, at)
	}
}

// repeat lets a pass cast what is given once more, where it would read a block that an earlier pass has stored: the cast
// costs less than the traffic, and the memory is saved.
func (f *fusion) repeat() {
	if len(f.groups) < 2 {
		return
	}
	used := make([]bool, len(f.values))
	for _, r := range f.roots {
		used[r.value] = true
	}
	root := slices.Clone(used)
	for k, g := range f.groups {
		var casts []int
		copies := make(map[int]int)
		for _, m := range g.members {
			v := f.values[m]
			for i, a := range f.reads(v) {
				if w := f.values[a]; w.group == k || root[a] || !f.cheap(w) || !f.flat(v, i) {
					used[a] = true
					continue
				}
				if _, ok := copies[a]; !ok {
					again := *f.values[a]
					again.group = k
					copies[a] = len(f.values)
					casts = append(casts, len(f.values))
					f.values = append(f.values, &again)
				}
				v.args[i] = copies[a]
			}
		}
		g.members = append(casts, g.members...)
	}
	for _, g := range f.groups { // casts that all their users repeat
		g.members = slices.DeleteFunc(g.members, func(m int) bool { return m < len(used) && !used[m] && f.cheap(f.values[m]) })
	}
}

// cheap reports whether v is a cast of what is given, to a type that is no smaller.
func (f *fusion) cheap(v *value) bool {
	if v.kind != array.KindOp || v.op != array.Cast {
		return false
	}
	of := f.values[v.args[0]]
	return of.leaf() && of.dtype.Size() <= v.dtype.Size()
}

// store marks the values that leave their group: results, and what other groups read.
func (f *fusion) store() {
	for _, r := range f.roots {
		f.values[r.value].stored = true
	}
	for _, v := range f.values {
		for _, a := range v.args {
			if a := f.values[a]; a.group != v.group || a.kind == array.KindReduce {
				a.stored = true
			}
		}
	}
}

// order is the numbers of the groups that have something to do, by stage.
func (f *fusion) order() []int {
	order := make([]int, 0, len(f.groups))
	for i, g := range f.groups {
		if len(g.members) > 0 {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return f.groups[a].stage - f.groups[b].stage })
	return order
}
