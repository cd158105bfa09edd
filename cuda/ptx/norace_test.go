//go:build !race

package ptx_test

const stride = 1
