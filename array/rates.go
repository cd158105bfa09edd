package array

import "time"

// Rates is how fast a device is, as far as choosing one goes. All of it is measured on the machine that it is about.
type Rates struct {
	// Launch is the time of a launch that has nothing to do, the wait for its end included.
	Launch time.Duration `json:"launch"`
	// Up and Down are bytes a second from this process's memory to the device's and back; 0 where they are the same memory.
	Up   float64 `json:"up,omitempty"`
	Down float64 `json:"down,omitempty"`
	// Memory is bytes a second that a program reads and writes of the device's memory, Ops additions of float64 a second.
	Memory float64 `json:"memory"`
	Ops    float64 `json:"ops"`
}
