//go:build !unix

package report

// CPUSeconds is 0 where the system does not tell, and the report then has no CPU seconds.
func CPUSeconds() float64 { return 0 }
