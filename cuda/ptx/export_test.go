package ptx

// Divisor is the numbers that a kernel divides by d with.
var Divisor = divisor
