package mem_test

import (
	"bufio"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/darray-go/darray/exec/cpu/mem"
)

// hugeBytes is how much of the mappings that a buffer lies in consists of huge pages, by the system's own list.
func hugeBytes(t *testing.T, buf []byte) int {
	t.Helper()
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Skip(err)
	}
	defer f.Close()
	lo, hi, sum, inside := mem.Address(buf), mem.Address(buf)+uintptr(len(buf)), 0, false
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if first, last, ok := strings.Cut(fields[0], "-"); ok && len(fields) >= 5 {
			from, err1 := strconv.ParseUint(first, 16, 64)
			to, err2 := strconv.ParseUint(last, 16, 64)
			inside = err1 == nil && err2 == nil && uintptr(from) < hi && uintptr(to) > lo
		}
		if inside && fields[0] == "AnonHugePages:" {
			kib, err := strconv.Atoi(fields[1])
			if err != nil {
				t.Fatal(lines.Text())
			}
			sum += kib << 10
		}
	}
	return sum
}

// present is the bytes of a buffer that are in memory.
func present(t *testing.T, buf []byte) int {
	t.Helper()
	const page = 4096
	pages := make([]byte, len(buf)/page)
	if _, _, errno := unix.Syscall(unix.SYS_MINCORE, mem.Address(buf), uintptr(len(buf)), mem.Address(pages)); errno != 0 {
		t.Skip(errno)
	}
	n := 0
	for _, p := range pages {
		n += int(p&1) * page
	}
	return n
}

func TestHugePages(t *testing.T) {
	setting, err := os.ReadFile("/sys/kernel/mm/transparent_hugepage/enabled")
	if err != nil || strings.Contains(string(setting), "[never]") {
		t.Skipf("NOT TESTED: this system gives no huge pages: %s %v", setting, err)
	}
	p := mem.New(mem.Config{})
	defer p.Close()
	const n = 64 * mib
	buf, _ := get(t, p, n)
	held := [][]byte{buf}
	for present(t, buf) > n/8 && len(held) < 8 { // the runtime has had it before
		buf, _ = get(t, p, n)
		held = append(held, buf)
	}
	before := hugeBytes(t, buf)
	for i := 0; i < n; i += 4096 {
		buf[i] = 1
	}
	// The system may be out of free ones, so not all need to be huge.
	switch huge := hugeBytes(t, buf) - before; {
	case huge <= 0:
		t.Skipf("NOT TESTED: none of %d bytes are in huge pages; has the system none free?", n)
	case huge < n/2:
		t.Errorf("%d bytes of %d are in huge pages", huge, n)
	}
	p.Put(buf)
	p.Trim()
	if left := present(t, buf); left > n/8 {
		t.Errorf("%d bytes of %d are in memory after Trim", left, n)
	}
	runtime.KeepAlive(held)
}

// faults is how often this process had to wait for a page so far.
func faults(t *testing.T) int64 {
	t.Helper()
	var use unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &use); err != nil {
		t.Skip(err)
	}
	return use.Minflt
}

// TestNoPageFaults: results of a loop whose user drops them are written into pages that are there.
func TestNoPageFaults(t *testing.T) {
	if mem.Unordered {
		t.Skip("the race detector's own memory counts")
	}
	p := mem.New(mem.Config{})
	defer p.Close()
	mem.Recycle(p)
	const n = 3 * mib // no huge pages: every page of 4 KiB would count
	next := func() {
		buf, _ := get(t, p, n)
		for i := 0; i < n; i += 4096 {
			buf[i]++
		}
	}
	for range 200 {
		next()
	}
	before, misses := faults(t), p.Stats().Misses
	const rounds = 200
	for range rounds {
		next()
	}
	if more := p.Stats().Misses - misses; more > rounds/8 {
		t.Errorf("%d of %d results were in fresh memory", more, rounds)
	}
	if got := faults(t) - before; got > rounds*n/4096/6 {
		t.Errorf("%d page faults for %d results of %d pages", got, rounds, n/4096)
	}
}
