//go:build !unix

package bench

// cpuSeconds is 0 where the system does not tell, and the report then has no CPU seconds.
func cpuSeconds() float64 { return 0 }
