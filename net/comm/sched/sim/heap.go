package sim

// before orders flights by time, and where that is equal as they were sent.
func (f *flight) before(o *flight) bool { return f.at < o.at || f.at == o.at && f.seq < o.seq }

// push and pop keep the heap: binary, by value, since container/heap would allocate for each message.
func (m *machine) push(f flight) {
	m.heap = append(m.heap, f)
	h, i := m.heap, len(m.heap)-1
	for i > 0 {
		up := (i - 1) / 2
		if !f.before(&h[up]) {
			break
		}
		h[i] = h[up]
		i = up
	}
	h[i] = f
}

func (m *machine) pop() flight {
	h := m.heap
	first, last := h[0], h[len(h)-1]
	h = h[:len(h)-1]
	m.heap = h
	if len(h) == 0 {
		return first
	}
	i := 0
	for {
		down := 2*i + 1
		if down >= len(h) {
			break
		}
		if down+1 < len(h) && h[down+1].before(&h[down]) {
			down++
		}
		if !h[down].before(&last) {
			break
		}
		h[i] = h[down]
		i = down
	}
	h[i] = last
	return first
}
