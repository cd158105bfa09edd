//go:build race

package ptx_test

// stride is every how many-th case of the long tables is tried: the race detector makes each ten times slower.
const stride = 7
