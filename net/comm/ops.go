package comm

// Op combines the elements of two ranks: acc[i] = acc[i] op xs[i], where acc stands for the lower ranks and xs for the
// higher ones. The slices have the same length; only acc changes. It must be associative up to rounding; it need not
// commute. Sum, Prod, Min and Max are Ops; Each makes one from a function of two elements.
type Op[T Elem] func(acc, xs []T)

// Each returns the Op that combines pairs of elements by f.
func Each[T Elem](f func(a, b T) T) Op[T] {
	return func(acc, xs []T) {
		for i, x := range xs {
			acc[i] = f(acc[i], x)
		}
	}
}

// Sum adds; integers wrap.
func Sum[T Number](acc, xs []T) {
	for i, x := range xs {
		acc[i] += x
	}
}

// Prod multiplies; integers wrap.
func Prod[T Number](acc, xs []T) {
	for i, x := range xs {
		acc[i] *= x
	}
}

// Min keeps the lesser. NaN if either is; -0 is less than 0.
func Min[T Number](acc, xs []T) {
	for i, x := range xs {
		acc[i] = min(acc[i], x)
	}
}

// Max keeps the greater. NaN if either is; 0 is greater than -0.
func Max[T Number](acc, xs []T) {
	for i, x := range xs {
		acc[i] = max(acc[i], x)
	}
}
