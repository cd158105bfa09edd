package stream

import "golang.org/x/sys/cpu"

// Past says whether this machine can store past the caches here.
func Past() bool { return cpu.X86.HasAVX }

func run(op Op, past bool, c, a, b []float64) float64 {
	if !cpu.X86.HasAVX {
		return runGo(op, c, a, b)
	}
	switch {
	case op == Sum:
		return sumAVX(a)
	case op == Copy && past:
		copyPastAVX(c, a, nil)
	case op == Copy:
		copyAVX(c, a, nil)
	case op == Add && past:
		addPastAVX(c, a, b)
	case op == Add:
		addAVX(c, a, b)
	case past:
		triadPastAVX(c, a, b)
	default:
		triadAVX(c, a, b)
	}
	return 0
}
