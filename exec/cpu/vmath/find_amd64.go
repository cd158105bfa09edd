package vmath

// Find gives the routine of a function by the name that it has in this package (Exp), for float32 or float64, in AVX2 or in
// AVX-512; nil where there is none.
func Find(name string, float32s, avx512 bool) Routine {
	routines := routinesAVX2
	if avx512 {
		routines = routinesAVX512
	}
	if float32s {
		return routines[name][0]
	}
	return routines[name][1]
}
