package sim

import "time"

// Path is what a message costs between two ranks, after LogGP (Alexandrov, Ionescu, Schauser, Scheiman, LogGP:
// incorporating long messages into the LogP model, 1995): the sender is busy for O, the bytes leave its port in
// n*PerByte, arrive L later through the receiver's port, and the receiver is busy for O. A port carries one message at a
// time each way, and starts to pass a message on before all of it is there.
type Path struct {
	L, O    time.Duration
	PerByte float64 // nanoseconds
}

// Params describes the machine. The zero value costs nothing.
type Params struct {
	Name string
	Far  Path // between hosts, and between all ranks where PerHost is 0
	Near Path // within a host
	// PerHost is how many consecutive ranks share a host; 0: the hosts are not known, every path is Far.
	PerHost int
	// Combine and Copy are nanoseconds a byte of the local steps.
	Combine, Copy float64
}

// What a core does in memory, measured on the machine that the paths were measured on: a copy at 5.2 GB/s; an addition
// reads two vectors and writes one, half as fast again.
const (
	copyPerByte    = 0.19
	combinePerByte = 0.29
)

// path splits a measured one-way latency into three equal parts: busy sender, flight, busy receiver.
func path(latency time.Duration, perByte float64) Path {
	return Path{L: latency / 3, O: latency / 3, PerByte: perByte}
}

// The measured ways of a message: one-way latency and nanoseconds a byte.
func quicPath() Path { return path(36*time.Microsecond, 3.0) }
func tcpPath() Path  { return path(4500*time.Nanosecond, 0.7) }
func shmPath() Path  { return path(4500*time.Nanosecond, 0.17) }
func memPath() Path  { return path(150*time.Nanosecond, copyPerByte) }

// QUIC is one rank a host, over QUIC.
func QUIC() Params { return only("quic", quicPath()) }

// TCP is one rank a host, over the bulk lane of TCP and TLS.
func TCP() Params { return only("tcp", tcpPath()) }

// Shm is all ranks on one host, through shared memory.
func Shm() Params { return only("shm", shmPath()) }

// Mem is all ranks in one process. A collective's message is copied once there.
func Mem() Params { return only("mem", memPath()) }

// Cluster is perHost ranks on each host, shared memory within and QUIC between hosts.
func Cluster(perHost int) Params {
	p := only("quic+shm", quicPath())
	p.Near, p.PerHost = shmPath(), perHost
	return p
}

// Tiers lists the machines with one kind of path.
func Tiers() []Params { return []Params{QUIC(), TCP(), Shm(), Mem()} }

func only(name string, p Path) Params {
	return Params{Name: name, Far: p, Near: p, Combine: combinePerByte, Copy: copyPerByte}
}
