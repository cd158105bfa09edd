// Package chaos runs random programs on the ranks of two pretended hosts, as real processes, and kills, stops or cuts off
// some of them. It has tests only; they need root, ip and iptables, and say so where they skip. The long version:
//
//	go test ./test/chaos -run Faults -chaos.runs 500 -chaos.parallel 8 -timeout 1h -v
//
// A run that fails says its seed: -chaos.runs 1 -chaos.seed N does it again, as far as the machine's timing lets it.
package chaos
