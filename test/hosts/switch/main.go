// Switch is a soft network switch for the pretended hosts of hosts-up: one TAP device a host, frames
// carried between them by this process, each directed link A->B with its own delay, jitter, loss, rate
// and so on. It needs no kernel module beyond tun (no sch_netem), only root. Standard library only.
//
//	switch serve SOCKET N SEED PREFIX     make TAPs PREFIX0 (this machine) to PREFIXN, print "ready", carry frames
//	switch ctl SOCKET WORDS...     link A B SPEC | cut A B | heal A B | stats | quit
//
// A and B are host numbers, 0 is this machine, * is every host. SPEC is in tc netem's words:
// delay 1ms [jitter] | loss 1% | duplicate 1% | reorder 5% | corrupt 0.1% | rate 100mbit | none.
// The random numbers come from SEED; the order of frames still depends on the scheduler.
package main

import (
	"bufio"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

type link struct {
	delay, jitter                  time.Duration
	loss, dup, reorder, corrupt    float64
	bytesPerSec                    float64
	cut                            bool
	free, last                     time.Time // when the wire is next free; latest delivery planned
	sent, lost, bytes, late, queue uint64
}

type frame struct {
	at  time.Time
	seq uint64
	b   []byte
}
type frames []frame

func (f frames) Len() int { return len(f) }
func (f frames) Less(i, j int) bool {
	return f[i].at.Before(f[j].at) || f[i].at.Equal(f[j].at) && f[i].seq < f[j].seq
}
func (f frames) Swap(i, j int) { f[i], f[j] = f[j], f[i] }
func (f *frames) Push(x any)   { *f = append(*f, x.(frame)) }
func (f *frames) Pop() any     { o := *f; x := o[len(o)-1]; *f = o[:len(o)-1]; return x }

type port struct {
	f    *os.File
	mu   sync.Mutex
	q    frames
	seq  uint64
	wake chan struct{}
}

var (
	mu    sync.Mutex // links and rng
	links [][]link
	ports []*port
	rng   *rand.Rand
)

// maxQueue is how far ahead a rate-limited link may be booked before it drops, as a router's buffer does.
const maxQueue = 200 * time.Millisecond

func tap(name string) (*os.File, error) {
	fd, err := syscall.Open("/dev/net/tun", syscall.O_RDWR|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	var req [40]byte
	copy(req[:15], name)
	binary.NativeEndian.PutUint16(req[16:], 0x0002|0x1000) // IFF_TAP|IFF_NO_PI
	if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), 0x400454ca /* TUNSETIFF */, uintptr(unsafe.Pointer(&req))); e != 0 {
		return nil, fmt.Errorf("TUNSETIFF %s: %w", name, e)
	}
	return os.NewFile(uintptr(fd), name), nil
}

func (p *port) deliver() { // writes the delayed frames of one port, in time order
	t := time.NewTimer(time.Hour)
	for {
		p.mu.Lock()
		var wait time.Duration = time.Hour
		for len(p.q) > 0 {
			if wait = time.Until(p.q[0].at); wait > 0 {
				break
			}
			x := heap.Pop(&p.q).(frame)
			p.mu.Unlock()
			p.f.Write(x.b)
			p.mu.Lock()
			wait = time.Hour
		}
		p.mu.Unlock()
		t.Reset(wait)
		select {
		case <-p.wake:
		case <-t.C:
		}
	}
}

func (p *port) later(at time.Time, b []byte) {
	p.mu.Lock()
	p.seq++
	heap.Push(&p.q, frame{at, p.seq, append([]byte(nil), b...)})
	first := p.q[0].seq == p.seq
	p.mu.Unlock()
	if first {
		select {
		case p.wake <- struct{}{}:
		default:
		}
	}
}

func forward(s, d int, b []byte) {
	mu.Lock()
	l := &links[s][d]
	l.sent++
	l.bytes += uint64(len(b))
	if l.cut || l.loss > 0 && rng.Float64() < l.loss {
		l.lost++
		mu.Unlock()
		return
	}
	copies := 1
	if l.dup > 0 && rng.Float64() < l.dup {
		copies = 2
	}
	if l.corrupt > 0 && rng.Float64() < l.corrupt {
		b = append([]byte(nil), b...)
		b[14+rng.IntN(len(b)-14)] ^= 1 << rng.IntN(8)
	}
	var at time.Time
	if l.delay > 0 || l.jitter > 0 || l.bytesPerSec > 0 {
		now := time.Now()
		at = now
		if l.bytesPerSec > 0 {
			if l.free.Before(now) {
				l.free = now
			}
			if l.free.Sub(now) > maxQueue {
				l.queue++
				mu.Unlock()
				return
			}
			l.free = l.free.Add(time.Duration(float64(len(b)) / l.bytesPerSec * 1e9))
			at = l.free
		}
		if l.reorder > 0 && rng.Float64() < l.reorder {
			at = now // overtakes what is in flight
		} else {
			at = at.Add(l.delay + time.Duration((2*rng.Float64()-1)*float64(l.jitter)))
			if at.Before(l.last) {
				at = l.last
			}
			l.last = at
		}
		l.late++
	}
	mu.Unlock()
	for ; copies > 0; copies-- {
		if at.IsZero() {
			ports[d].f.Write(b)
		} else {
			ports[d].later(at, b)
		}
	}
}

func (p *port) read(s int) {
	b := make([]byte, 1<<16)
	for {
		n, err := p.f.Read(b)
		if err != nil {
			if errors.Is(err, syscall.EIO) { // the device is down or has moved to a namespace: wait
				time.Sleep(20 * time.Millisecond)
				continue
			}
			return
		}
		if n < 14 {
			continue
		}
		f := b[:n]
		if f[0]&1 == 1 { // broadcast, multicast: ARP and neighbour discovery
			for d := range ports {
				if d != s {
					forward(s, d, f)
				}
			}
			continue
		}
		if d := int(binary.BigEndian.Uint16(f[4:])); f[0] == 2 && f[1] == 0xda && d < len(ports) && d != s {
			forward(s, d, f)
		}
	}
}

func percent(s string) (float64, error) {
	v, err := strconv.ParseFloat(strings.TrimSuffix(s, "%"), 64)
	return v / 100, err
}

func (l *link) set(w []string) error {
	*l = link{cut: l.cut, sent: l.sent, lost: l.lost, bytes: l.bytes}
	for i := 0; i < len(w); i++ {
		if w[i] == "none" {
			continue
		}
		if i+1 == len(w) {
			return fmt.Errorf("%s: a value is missing", w[i])
		}
		var err error
		key, v := w[i], w[i+1]
		i++
		switch key {
		case "delay":
			l.delay, err = time.ParseDuration(v)
			if i+1 < len(w) {
				if j, e := time.ParseDuration(w[i+1]); e == nil {
					l.jitter = j
					i++
				}
			}
		case "loss":
			l.loss, err = percent(v)
		case "duplicate":
			l.dup, err = percent(v)
		case "reorder":
			l.reorder, err = percent(v)
		case "corrupt":
			l.corrupt, err = percent(v)
		case "limit":
		case "rate":
			mul := 0.0
			for _, u := range []struct {
				s string
				m float64
			}{{"gbit", 1e9}, {"mbit", 1e6}, {"kbit", 1e3}} {
				if strings.HasSuffix(v, u.s) {
					mul, v = u.m, strings.TrimSuffix(v, u.s)
				}
			}
			if mul == 0 {
				return fmt.Errorf("rate %s: use gbit, mbit or kbit", v)
			}
			l.bytesPerSec, err = strconv.ParseFloat(v, 64)
			l.bytesPerSec *= mul / 8
		default:
			return fmt.Errorf("%s: not known", key)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func hosts(s string) ([]int, error) {
	if s == "*" {
		var all []int
		for i := range ports {
			all = append(all, i)
		}
		return all, nil
	}
	k, err := strconv.Atoi(s)
	if err != nil || k < 0 || k >= len(ports) {
		return nil, fmt.Errorf("host %s: there is 0 to %d", s, len(ports)-1)
	}
	return []int{k}, nil
}

func command(w []string) (string, error) {
	mu.Lock()
	defer mu.Unlock()
	switch {
	case len(w) == 1 && w[0] == "quit":
		os.Exit(0)
	case len(w) == 1 && w[0] == "stats":
		var o strings.Builder
		for s := range links {
			for d := range links[s] {
				if l := links[s][d]; l.sent > 0 {
					fmt.Fprintf(&o, "%d->%d frames %d bytes %d lost %d overflow %d\n", s, d, l.sent, l.bytes, l.lost, l.queue)
				}
			}
		}
		return o.String(), nil
	case len(w) >= 3:
		as, err := hosts(w[1])
		if err != nil {
			return "", err
		}
		bs, err := hosts(w[2])
		if err != nil {
			return "", err
		}
		for _, a := range as {
			for _, b := range bs {
				if a == b {
					continue
				}
				switch w[0] {
				case "cut":
					links[a][b].cut, links[b][a].cut = true, true
				case "heal":
					links[a][b].cut, links[b][a].cut = false, false
				case "link":
					if err := links[a][b].set(w[3:]); err != nil {
						return "", err
					}
				default:
					return "", fmt.Errorf("%s: not known", w[0])
				}
			}
		}
		return "", nil
	}
	return "", errors.New("link A B SPEC | cut A B | heal A B | stats | quit")
}

func serve(sock string, n int, seed uint64, prefix string) error {
	rng = rand.New(rand.NewPCG(seed, 0))
	for k := 0; k <= n; k++ {
		f, err := tap(prefix + strconv.Itoa(k))
		if err != nil {
			return err
		}
		ports = append(ports, &port{f: f, wake: make(chan struct{}, 1)})
		links = append(links, make([]link, n+1))
	}
	os.Remove(sock)
	ln, err := net.Listen("unix", sock)
	if err != nil {
		return err
	}
	for k, p := range ports {
		go p.read(k)
		go p.deliver()
	}
	fmt.Println("ready")
	for {
		c, err := ln.Accept()
		if err != nil {
			return err
		}
		line, _ := bufio.NewReader(c).ReadString('\n')
		out, err := command(strings.Fields(line))
		if err != nil {
			out = "error: " + err.Error() + "\n"
		}
		c.Write([]byte(out))
		c.Close()
	}
}

func ctl(sock string, words []string) error {
	c, err := net.Dial("unix", sock)
	if err != nil {
		return err
	}
	fmt.Fprintln(c, strings.Join(words, " "))
	s := bufio.NewScanner(c)
	for s.Scan() {
		if strings.HasPrefix(s.Text(), "error: ") {
			return errors.New(strings.TrimPrefix(s.Text(), "error: "))
		}
		fmt.Println(s.Text())
	}
	return nil
}

func main() {
	a := os.Args[1:]
	err := errors.New("usage: switch serve SOCKET N SEED PREFIX | switch ctl SOCKET WORDS...")
	switch {
	case len(a) == 5 && a[0] == "serve":
		n, _ := strconv.Atoi(a[2])
		seed, _ := strconv.ParseUint(a[3], 10, 64)
		err = serve(a[1], n, seed, a[4])
	case len(a) >= 3 && a[0] == "ctl":
		err = ctl(a[1], a[2:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "switch:", err)
		os.Exit(1)
	}
}
