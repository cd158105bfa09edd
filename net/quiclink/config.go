// Package quiclink is net/link over QUIC (quic-go): mutual TLS 1.3 from a job token, one UDP socket a rank and one
// connection a pair of ranks.
//
// A connection has one long-lived control stream each way round (frames of link.HeaderSize bytes, small payloads inline)
// and one unidirectional stream for each larger payload, opened only after the receiver has asked for it: so unread
// messages never use up flow-control windows, and a stream that exists is always being read.
//
// Larger payloads may go by lanes instead (Config.Bulk, Config.Lanes): TLS connections over TCP, or further QUIC
// connections, that both ends bind to the QUIC session before a byte of a message passes.
//
// quic-go asks for UDP buffers of 7 MB and logs once where the system allows less; raise net.core.rmem_max and wmem_max.
package quiclink

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/quic-go/quic-go"
)

// MinToken is the shortest join token in bytes; 32 random ones are recommended.
const MinToken = 16

// BulkTCP is the Config.Bulk of lanes over TCP.
const BulkTCP = "tcp"

// Config describes one rank of a job. Rank, Size, Job and Token must be given; the rest has defaults.
type Config struct {
	Rank  int    // this rank, in [0, Size)
	Size  int    // number of ranks of the job
	Job   string // name of the job, the same on all its ranks; no secret
	Token []byte // the job's secret, at least MinToken bytes; whoever holds it can be any rank

	Addr string // UDP "host:port" to listen at; default "127.0.0.1:0", port 0 lets the system choose

	IdleTimeout      time.Duration // a peer silent for so long is lost; default 3 s
	KeepAlive        time.Duration // how often an idle connection shows that it lives; default 500 ms
	HandshakeTimeout time.Duration // how long one connection may take to be made; default 5 s
	CloseTimeout     time.Duration // how long Close waits for a peer to have received everything; default 2 s, and 1 s at most after a second without messages

	// Bulk is what payloads above link.EagerLimit go over: "" for QUIC streams, BulkTCP for lanes of TLS over TCP, bound to
	// the QUIC session. Two ranks use lanes if both are to; where they cannot be made or break, blocks go by QUIC streams
	// and Fallback says why. Whether ranks of a job differ in it is no error. DARRAY_BULK.
	Bulk string
	// Lanes is how many lanes each Conn has, at most 16, and the fewer of what two ranks have; payloads of 8 MiB and more
	// are spread over all of them. With BulkTCP the default is 1. Without, the lanes are QUIC connections on sockets of
	// their own for just those payloads, default none: they pay from 2 on where cores are free, or packets get lost.
	// DARRAY_LANES.
	Lanes int

	MaxMessage uint64 // largest payload in bytes that a peer may announce; default 64 TiB
}

func (cfg Config) withDefaults() (Config, error) {
	switch {
	case cfg.Size < 1 || cfg.Rank < 0 || cfg.Rank >= cfg.Size:
		return cfg, fmt.Errorf("quiclink: rank %d of %d: the rank must be in [0, size)", cfg.Rank, cfg.Size)
	case len(cfg.Token) < MinToken:
		return cfg, fmt.Errorf("quiclink: token of %d bytes: give at least %d random ones", len(cfg.Token), MinToken)
	case cfg.Job == "":
		return cfg, errors.New("quiclink: no job name: give all ranks of a job the same one")
	case cfg.Bulk != "" && cfg.Bulk != BulkTCP:
		return cfg, fmt.Errorf("quiclink: Bulk %q: want %q, or nothing for QUIC streams", cfg.Bulk, BulkTCP)
	case cfg.Lanes < 0 || cfg.Lanes > maxLanes:
		return cfg, fmt.Errorf("quiclink: %d lanes: want 1 to %d", cfg.Lanes, maxLanes)
	case cfg.MaxMessage > math.MaxInt:
		return cfg, fmt.Errorf("quiclink: MaxMessage %d is beyond what a slice can hold", cfg.MaxMessage)
	}
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&cfg.IdleTimeout, 3*time.Second)
	def(&cfg.KeepAlive, 500*time.Millisecond)
	def(&cfg.HandshakeTimeout, 5*time.Second)
	def(&cfg.CloseTimeout, 2*time.Second)
	if cfg.Addr == "" {
		cfg.Addr = "127.0.0.1:0"
	}
	if cfg.MaxMessage == 0 {
		cfg.MaxMessage = min(1<<46, math.MaxInt)
	}
	return cfg, nil
}

// quicConfig: windows as measured best on loopback and LANs; more does not help, since quic-go's congestion window ends
// at 14.5 MB. The connection's window holds four full streams and the eager credit.
func (cfg Config) quicConfig() *quic.Config {
	return &quic.Config{
		HandshakeIdleTimeout:           cfg.HandshakeTimeout,
		MaxIdleTimeout:                 cfg.IdleTimeout,
		KeepAlivePeriod:                cfg.KeepAlive,
		InitialStreamReceiveWindow:     4 << 20,
		MaxStreamReceiveWindow:         16 << 20,
		InitialConnectionReceiveWindow: 16 << 20,
		MaxConnectionReceiveWindow:     72 << 20,
		MaxIncomingStreams:             16,
		MaxIncomingUniStreams:          256,
	}
}
