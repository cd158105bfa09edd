package shmlink

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Config tunes the tier. The zero value works.
type Config struct {
	Disable bool // every Conn stays with the inner transport; the peers are told so

	Arena      uint64        // bytes that Alloc may hand out, taken page by page as they are touched; default half the memory, at most 64 GiB
	LocalRanks int           // ranks of the job on this host; 0 is unknown
	Spin       time.Duration // how long a waiting rank looks before it sleeps; default 100 us where the host has a CPU for each of LocalRanks, else 0; negative is 0

	Patience     time.Duration // how long the two ends may take to agree; default 3 s
	CloseTimeout time.Duration // how long Close waits for a peer to have received everything; default 2 s
	MaxMessage   uint64        // largest payload in bytes that a peer may announce; default 64 TiB

	// Log, where not nil, is told once a Conn why it stays with the inner transport. It is called by any goroutine.
	Log func(peer int, reason string)
}

func (cfg Config) withDefaults(cpus int) (Config, error) {
	switch {
	case cfg.MaxMessage > math.MaxInt:
		return cfg, fmt.Errorf("shmlink: MaxMessage %d is beyond what a slice can hold", cfg.MaxMessage)
	case cfg.Arena > math.MaxInt:
		return cfg, fmt.Errorf("shmlink: an arena of %d bytes is beyond what a slice can hold", cfg.Arena)
	case cfg.LocalRanks < 0:
		return cfg, errors.New("shmlink: LocalRanks is negative; give the number of ranks on this host, or 0")
	}
	if cfg.Spin == 0 && cfg.LocalRanks > 0 && cfg.LocalRanks <= cpus {
		cfg.Spin = 100 * time.Microsecond // longer than a peer takes to wake: else both ends go to sleep each time
	}
	cfg.Spin = max(cfg.Spin, 0)
	if cfg.Patience <= 0 {
		cfg.Patience = 3 * time.Second
	}
	if cfg.CloseTimeout <= 0 {
		cfg.CloseTimeout = 2 * time.Second
	}
	if cfg.MaxMessage == 0 {
		cfg.MaxMessage = min(1<<46, math.MaxInt)
	}
	return cfg, nil
}
