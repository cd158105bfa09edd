package vmath

// Scalar is a function of one element, in float64 and in float32: of one operand or of two, the other fields being nil.
type Scalar struct {
	Unary    func(x float64) float64
	Unary32  func(x float32) float32
	Binary   func(x, y float64) float64
	Binary32 func(x, y float32) float32
}

// FindScalar gives the function of one element by the name that it has in this package (Exp). It reports false where there is
// none.
func FindScalar(name string) (Scalar, bool) {
	s, ok := scalars[name]
	return s, ok
}
