//go:build race

package quiclink_test

// Under the race detector packets cost fifty times as much.
const largeBlock = 8 << 20
