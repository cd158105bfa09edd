package comm

// Op combines the elements of two ranks: acc[i] = acc[i] op xs[i], where acc stands for the lower ranks and xs for the
// higher ones. The slices have the same length; only acc changes. It must be associative up to rounding; it need not
// commute. The functions below are Ops; Each makes one from a function of two elements.
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

// And is the bitwise and.
func And[T Integer](acc, xs []T) {
	for i, x := range xs {
		acc[i] &= x
	}
}

// Or is the bitwise or.
func Or[T Integer](acc, xs []T) {
	for i, x := range xs {
		acc[i] |= x
	}
}

// Xor is the bitwise exclusive or.
func Xor[T Integer](acc, xs []T) {
	for i, x := range xs {
		acc[i] ^= x
	}
}

// All is true where all are.
func All[T ~bool](acc, xs []T) {
	for i, x := range xs {
		acc[i] = acc[i] && x
	}
}

// Any is true where one is.
func Any[T ~bool](acc, xs []T) {
	for i, x := range xs {
		acc[i] = acc[i] || x
	}
}

// MinLoc keeps the least value and its index; of equal ones the lowest index. A NaN counts as less than any number; -0
// and 0 are equal.
func MinLoc[T Number](acc, xs []Loc[T]) {
	for i, x := range xs {
		if ahead(x, acc[i], x.Value < acc[i].Value) {
			acc[i] = x
		}
	}
}

// MaxLoc keeps the greatest value and its index; of equal ones the lowest index. A NaN counts as greater than any number;
// -0 and 0 are equal.
func MaxLoc[T Number](acc, xs []Loc[T]) {
	for i, x := range xs {
		if ahead(x, acc[i], x.Value > acc[i].Value) {
			acc[i] = x
		}
	}
}

// ahead reports whether x takes the place of a, where better compares their values.
func ahead[T Number](x, a Loc[T], better bool) bool {
	switch xNaN, aNaN := x.Value != x.Value, a.Value != a.Value; {
	case xNaN != aNaN:
		return xNaN
	case xNaN, x.Value == a.Value:
		return x.Index < a.Index
	}
	return better
}
