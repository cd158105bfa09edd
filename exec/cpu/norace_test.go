//go:build !race

package cpu_test

const stride = 1
