//go:build !race

package quiclink_test

const largeBlock = 64 << 20
