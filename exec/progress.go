package exec

import "sync"

// progress adds up what Config.Progress is told. The zero value tells nobody.
type progress struct {
	tell        func(done, total int)
	total, done int // elements of all steps, and of those that are over

	mu   sync.Mutex
	part int // elements of this rank's part of the step under way
}

// work is what a step counts: the join of a reduction's few trees is none.
func (s *Step) work() int {
	if s.Kind == Reduce {
		return 0
	}
	return s.N
}

// step ends a step of n elements, where somebody asks.
func (p *progress) step(n int) {
	p.done += n
	p.part = 0
	p.tell(p.done, p.total)
}

// within follows a program over part elements as a step of n: rank 0 speaks for all. Nil where nobody asks.
func (p *progress) within(n, part int) func(int) {
	if p.tell == nil || part == 0 {
		return nil
	}
	return func(more int) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.part += more
		p.tell(p.done+int(float64(n)*float64(p.part)/float64(part)), p.total)
	}
}
