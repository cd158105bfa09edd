//go:build unix

package quiclink_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/darray-go/darray/net/link"
	"github.com/darray-go/darray/net/quiclink"
)

// processMode makes this process the other one of BenchmarkProcesses.
var processMode = flag.String("quiclink.receiver", "", "receive blocks in this way, for the benchmark that started this process")

// A way is how blocks of one size go from one process to another, each answered by the receiver when it has it.
type way struct {
	name string
	// receive listens, tells where, and receives until the sender has left.
	receive func(ctx context.Context, tell func(addr string), dst []byte) error
	// dial gives what sends one block and waits for the answer, and what leaves.
	dial func(b *testing.B, addr string) (send func(block []byte) error, leave func())
}

var ways = []way{
	{"tls", receiveTLS, dialTLS},
	{"quiclink+tcp", receiveLink(bulk(quiclink.BulkTCP, 1)), dialLink(bulk(quiclink.BulkTCP, 1))},
	{"quiclink+tcp2", receiveLink(bulk(quiclink.BulkTCP, 2)), dialLink(bulk(quiclink.BulkTCP, 2))},
	{"barequic", receiveQUIC, dialQUIC},
	{"quiclink", receiveLink(bulk("", 0)), dialLink(bulk("", 0))},
	{"quiclink+quic2", receiveLink(bulk("", 2)), dialLink(bulk("", 2))},
	{"quiclink+quic4", receiveLink(bulk("", 4)), dialLink(bulk("", 4))},
}

func bulk(kind string, lanes int) func(*quiclink.Config) {
	return func(cfg *quiclink.Config) { cfg.Bulk, cfg.Lanes = kind, lanes }
}

// BenchmarkProcesses moves blocks from this process to another that has one core, as the launcher gives it; run it with
// -cpu 1. tls and barequic are the least that crypto/tls and quic-go (on this package's socket) need. Beside the time it
// reports both processes' CPU seconds a GB.
func BenchmarkProcesses(b *testing.B) {
	for _, size := range []int{8, 64 << 10, 1 << 20, 64 << 20} {
		for _, w := range ways {
			if size < 8<<20 && strings.ContainsAny(w.name, "0123456789") {
				continue // the same as with one lane, or none
			}
			b.Run(fmt.Sprintf("%dB/%s", size, w.name), func(b *testing.B) { benchProcesses(b, w, size) })
		}
	}
}

func benchProcesses(b *testing.B, w way, size int) {
	cmd := exec.CommandContext(b.Context(), os.Args[0], "-test.run=^TestReceiver$", fmt.Sprintf("-quiclink.receiver=%s,%d", w.name, size))
	cmd.Env = append(cmd.Environ(), "GOMAXPROCS=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(b, err)
	must(b, cmd.Start())
	said := bufio.NewReader(out)
	addr, err := said.ReadString('\n')
	must(b, err)
	send, leave := w.dial(b, strings.TrimSpace(addr))
	block := make([]byte, size)
	for range 3 { // warm: windows and congestion control have grown
		must(b, send(block))
	}
	b.SetBytes(int64(size))
	cpu := cpuSeconds()
	for b.Loop() {
		must(b, send(block))
	}
	cpu = cpuSeconds() - cpu
	leave()
	var there float64
	_, err = fmt.Fscanln(said, &there)
	must(b, err)
	must(b, cmd.Wait())
	if size >= 1<<20 {
		gb := float64(size) * float64(b.N) / 1e9
		b.ReportMetric(cpu/gb, "send-cpu-s/GB")
		b.ReportMetric(there/(gb+3*float64(size)/1e9), "recv-cpu-s/GB") // the first three too
	}
}

func cpuSeconds() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

// TestReceiver is the other process of BenchmarkProcesses, nothing else.
func TestReceiver(t *testing.T) {
	name, size, ok := strings.Cut(*processMode, ",")
	if !ok {
		t.Skip("the receiver of a benchmark, which starts it")
	}
	var n int
	if _, err := fmt.Sscan(size, &n); err != nil {
		t.Fatal(err)
	}
	for _, w := range ways {
		if w.name == name {
			var cpu float64
			tell := func(addr string) {
				cpu = cpuSeconds()
				fmt.Println(addr)
			}
			if err := w.receive(t.Context(), tell, make([]byte, n)); err != nil {
				t.Fatal(err)
			}
			fmt.Println(cpuSeconds() - cpu)
		}
	}
}

func receiveLink(edit func(*quiclink.Config)) func(context.Context, func(string), []byte) error {
	return func(ctx context.Context, tell func(string), dst []byte) error {
		cfg := config(0, 2)
		edit(&cfg)
		tr, err := quiclink.Listen(cfg)
		if err != nil {
			return err
		}
		defer tr.Close()
		tell(tr.Addr())
		c, err := tr.Accept(ctx)
		if err != nil {
			return err
		}
		for {
			err := receive(ctx, c, dst)
			if errors.Is(err, link.ErrPeerLost) {
				return nil
			}
			if err := errors.Join(err, c.Send(ctx, link.Header{}, link.Payload{})); err != nil {
				return err
			}
		}
	}
}

func dialLink(edit func(*quiclink.Config)) func(*testing.B, string) (func([]byte) error, func()) {
	return func(b *testing.B, addr string) (func([]byte) error, func()) {
		cfg := config(1, 2)
		edit(&cfg)
		tr, err := quiclink.Listen(cfg)
		must(b, err)
		c, err := tr.Dial(b.Context(), 0, addr)
		must(b, err)
		return func(block []byte) error {
			if err := c.Send(b.Context(), link.Header{}, link.Payload{Bufs: [][]byte{block}}); err != nil {
				return err
			}
			return receive(b.Context(), c, nil)
		}, func() { tr.Close() }
	}
}

func receiveTLS(_ context.Context, tell func(string), dst []byte) error {
	server, _, _, err := quiclink.BareConfig(config(0, 2), config(1, 2))
	if err != nil {
		return err
	}
	ln, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		return err
	}
	defer ln.Close()
	tell(ln.Addr().String())
	c, err := ln.Accept()
	if err != nil {
		return err
	}
	defer c.Close()
	head := make([]byte, 8)
	for {
		if _, err := io.ReadFull(c, head); err != nil {
			return nil // the sender has left
		}
		if _, err := io.ReadFull(c, dst[:binary.LittleEndian.Uint64(head)]); err != nil {
			return err
		}
		if _, err := c.Write(head[:1]); err != nil {
			return err
		}
	}
}

func dialTLS(b *testing.B, addr string) (func([]byte) error, func()) {
	_, client, _, err := quiclink.BareConfig(config(0, 2), config(1, 2))
	must(b, err)
	client.DynamicRecordSizingDisabled = true
	c, err := tls.Dial("tcp", addr, client)
	must(b, err)
	head := make([]byte, 8)
	return func(block []byte) error {
		if _, err := c.Write(binary.LittleEndian.AppendUint64(head[:0], uint64(len(block)))); err != nil {
			return err
		}
		if _, err := c.Write(block); err != nil {
			return err
		}
		_, err := io.ReadFull(c, head[:1])
		return err
	}, func() { c.Close() }
}

// receiveQUIC and dialQUIC use one stream for all blocks.
func receiveQUIC(ctx context.Context, tell func(string), dst []byte) error {
	server, _, conf, err := quiclink.BareConfig(config(0, 2), config(1, 2))
	if err != nil {
		return err
	}
	udp, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return err
	}
	defer udp.Close()
	tr := &quic.Transport{Conn: quiclink.PacketConn(udp)}
	defer tr.Close()
	ln, err := tr.Listen(server, conf)
	if err != nil {
		return err
	}
	tell(udp.LocalAddr().String())
	qc, err := ln.Accept(ctx)
	if err != nil {
		return err
	}
	s, err := qc.AcceptStream(ctx)
	if err != nil {
		return err
	}
	head := make([]byte, 8)
	for {
		if _, err := io.ReadFull(s, head); err != nil {
			return nil // the sender has left
		}
		if _, err := io.ReadFull(s, dst[:binary.LittleEndian.Uint64(head)]); err != nil {
			return err
		}
		if _, err := s.Write(head[:1]); err != nil {
			return err
		}
	}
}

func dialQUIC(b *testing.B, addr string) (func([]byte) error, func()) {
	_, client, conf, err := quiclink.BareConfig(config(0, 2), config(1, 2))
	must(b, err)
	udp, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	must(b, err)
	tr := &quic.Transport{Conn: quiclink.PacketConn(udp)}
	to, err := net.ResolveUDPAddr("udp", addr)
	must(b, err)
	qc, err := tr.Dial(b.Context(), to, client, conf)
	must(b, err)
	s, err := qc.OpenStream()
	must(b, err)
	head := make([]byte, 8)
	return func(block []byte) error {
			if _, err := s.Write(binary.LittleEndian.AppendUint64(head[:0], uint64(len(block)))); err != nil {
				return err
			}
			if _, err := s.Write(block); err != nil {
				return err
			}
			_, err := io.ReadFull(s, head[:1])
			return err
		}, func() {
			qc.CloseWithError(0, "")
			tr.Close()
			udp.Close()
		}
}
