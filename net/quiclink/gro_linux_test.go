package quiclink_test

import (
	"bytes"
	"encoding/binary"
	"net"
	"testing"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"

	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/quiclink"
)

// TestJoinedPackets sends runs of packets in one system call each, which Linux hands on joined, and takes them apart.
func TestJoinedPackets(t *testing.T) {
	leak.Check(t)
	to, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	check(t, err)
	defer to.Close()
	from, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	check(t, err)
	defer from.Close()
	c, ok := quiclink.PacketConn(to).(interface {
		ReadBatch(ms []ipv4.Message, flags int) (int, error)
	})
	if !ok {
		t.Skip("this kernel has no UDP_GRO")
	}
	check(t, to.SetReadDeadline(time.Now().Add(time.Minute))) // a lost packet must not hang the test

	var want [][]byte
	for run, size := range []int{1200, 1452, 7, 1452} {
		const n = 20
		data := make([]byte, (n-1)*size+size/2) // the last packet of a run may be shorter
		for i := range data {
			data[i] = byte(i * (run + 1) >> 3)
		}
		_, _, err := from.WriteMsgUDP(data, segmentControl(size), to.LocalAddr().(*net.UDPAddr))
		if err != nil {
			t.Skipf("this kernel has no UDP_SEGMENT: %v", err)
		}
		for len(data) > 0 {
			k := min(size, len(data))
			want = append(want, data[:k])
			data = data[k:]
		}
	}
	ms := make([]ipv4.Message, 8)
	calls := 0
	for len(want) > 0 {
		for i := range ms {
			ms[i] = ipv4.Message{Buffers: [][]byte{make([]byte, 1452)}, OOB: make([]byte, 128)}
		}
		n, err := c.ReadBatch(ms, 0)
		check(t, err)
		calls++
		for _, m := range ms[:n] {
			if len(want) == 0 {
				t.Fatal("more packets than were sent")
			}
			if got := m.Buffers[0][:m.N]; !bytes.Equal(got, want[0]) {
				t.Fatalf("a packet of %d bytes, want the one of %d", len(got), len(want[0]))
			}
			if m.Addr.String() != from.LocalAddr().String() {
				t.Fatalf("from %v, want %v", m.Addr, from.LocalAddr())
			}
			want = want[1:]
		}
	}
	if calls > 20 {
		t.Errorf("%d calls for 80 packets: they were not joined", calls)
	}
}

// segmentControl asks the kernel to cut a message into packets of size bytes.
func segmentControl(size int) []byte {
	b := make([]byte, unix.CmsgSpace(2))
	binary.NativeEndian.PutUint64(b, uint64(unix.CmsgLen(2)))
	binary.NativeEndian.PutUint32(b[8:], unix.IPPROTO_UDP)
	binary.NativeEndian.PutUint32(b[12:], unix.UDP_SEGMENT)
	binary.NativeEndian.PutUint16(b[16:], uint16(size))
	return b
}
