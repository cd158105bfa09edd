package judge

import "math/rand/v2"

// Order is how a function behaves between neighbours in the intervals where it rises or falls.
type Order struct {
	Pairs int64 // of neighbours, some 2, 4 or 8 floats apart
	Turns int64 // of them where it goes the wrong way
	At    string
}

// Neighbours looks at runs of 512 neighbours, beginning at inputs of all kinds. dst[i] = f(x[i]).
func Neighbours[T Float](s *Spec, apply func(dst, x []T), inputs int64, seed uint64) Order {
	var out Order
	if s.Up == nil && s.Down == nil {
		return out
	}
	rng := rand.New(rand.NewPCG(seed, 8))
	start, x, y := make([]T, 1), make([]T, blockLength), make([]T, blockLength)
	for k := 0; out.Pairs < inputs; k++ {
		kind := schedule[k%len(schedule)]
		if kind == Climb {
			kind = Edges
		}
		Fill(s, kind, rng, start, nil)
		step := int64(1) << rng.IntN(4)
		for i := range x {
			x[i] = Step(start[0], int64(i)*step)
		}
		apply(y, x)
		for i := 1; i < len(x); i++ {
			if out.Pairs++; turnsBack(s, float64(x[i-1]), float64(x[i]), float64(y[i-1]), float64(y[i])) {
				if out.Turns++; out.At == "" {
					out.At = hex(x[i-1])
				}
			}
		}
	}
	return out
}
