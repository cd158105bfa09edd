package cuda_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/darray-go/darray/cuda"
	"github.com/darray-go/darray/cuda/fake"
	"github.com/darray-go/darray/internal/leak"
)

// TestOrder lets one stream read what another writes: with a wait always after, without one not always.
func TestOrder(t *testing.T) {
	early := map[bool]int{}
	seeds(t, 20, func(t *testing.T, seed uint64) {
		for _, waits := range []bool{true, false} {
			dev := open(t, fake.Options{Seed: seed}, cuda.Options{})
			ctx := t.Context()
			one := must[*cuda.Stream](t)(dev.Stream())
			two := must[*cuda.Stream](t)(dev.Stream())
			done := must[*cuda.Event](t)(dev.Event(false))
			b := must[*cuda.Buffer](t)(dev.Alloc(ctx, 4096))
			got := make([]byte, 4096)
			check(t, one.Fill(b, 0, 4096, 7))
			check(t, one.Record(done))
			if waits {
				check(t, two.Wait(done))
			}
			check(t, two.Download(ctx, got, b, 0))
			check(t, two.Sync(ctx))
			if got[0] != 7 {
				early[waits]++
			}
			check(t, done.Sync(ctx))
			check(t, errors.Join(b.Free(), done.Close(), one.Close(), two.Close()))
		}
	})
	if early[true] > 0 || early[false] == 0 {
		t.Errorf("read too early %d times with a wait, %d times without", early[true], early[false])
	}
}

func TestSince(t *testing.T) {
	leak.Check(t)
	dev := open(t, fake.Options{Rates: fake.Rates{Memory: 1e9, Launch: time.Microsecond}}, cuda.Options{})
	ctx := t.Context()
	s := must[*cuda.Stream](t)(dev.Stream())
	from := must[*cuda.Event](t)(dev.Event(true))
	to := must[*cuda.Event](t)(dev.Event(true))
	plain := must[*cuda.Event](t)(dev.Event(false))
	b := must[*cuda.Buffer](t)(dev.Alloc(ctx, 1_000_000))
	check(t, s.Record(from))
	check(t, s.Fill(b, 0, 1_000_000, 1))
	check(t, s.Record(to))
	check(t, s.Record(plain))
	check(t, to.Sync(ctx))
	took, err := to.Since(from)
	if err != nil || took < 1001*time.Microsecond || took > 1010*time.Microsecond {
		t.Errorf("a million bytes at 1e9 a second took %v, %v", took, err)
	}
	if _, err := plain.Since(from); err == nil {
		t.Error("an event without timing has a time")
	}
	check(t, errors.Join(b.Free(), from.Close(), to.Close(), plain.Close(), plain.Close(), s.Close()))
	if err := s.Record(from); !errors.Is(err, cuda.ErrClosed) {
		t.Errorf("record of a closed event: %v", err)
	}
}

// TestForget calls everything with no context on any thread before each call.
func TestForget(t *testing.T) {
	leak.Check(t)
	v := must[*cuda.Driver](t)(cuda.Simulated(fake.Options{}))
	dev := must[*cuda.Device](t)(v.Open(3, cuda.Options{}))
	ctx := t.Context()
	m := v.Machine()
	var s *cuda.Stream
	var e *cuda.Event
	var b *cuda.Buffer
	pinned := dev.Pinned()
	var mem []byte
	for i, call := range []func() error{
		func() (err error) { s, err = dev.Stream(); return err },
		func() (err error) { e, err = dev.Event(true); return err },
		func() (err error) { b, err = dev.Alloc(ctx, 1000); return err },
		func() (err error) { mem = pinned.Allocate(1000); return nil },
		func() (err error) { return s.Upload(ctx, b, 0, mem) },
		func() (err error) { return s.Fill(b, 0, 10, 1) },
		func() (err error) { return s.Copy(b, 0, b, 500, 10) },
		func() (err error) { return s.Record(e) },
		func() (err error) { return s.Wait(e) },
		func() (err error) { _, err = e.Done(); return err },
		func() (err error) { return s.Download(ctx, make([]byte, 1000), b, 0) },
		func() (err error) { return s.Sync(ctx) },
		func() (err error) { _, _, err = dev.Memory(); return err },
		func() (err error) { pinned.Free(mem); return nil },
		func() (err error) { return b.Free() },
		func() (err error) { return dev.Trim() },
		func() (err error) { return e.Close() },
		func() (err error) { return s.Close() },
		func() (err error) { return dev.Close() },
		func() (err error) { return v.Close() },
	} {
		m.Forget()
		if err := call(); err != nil {
			t.Errorf("call %d: %v", i, err)
		}
	}
}

func TestMisuse(t *testing.T) {
	leak.Check(t)
	v := must[*cuda.Driver](t)(cuda.Simulated(fake.Options{Devices: 2}))
	one := must[*cuda.Device](t)(v.Open(0, cuda.Options{}))
	two := must[*cuda.Device](t)(v.Open(1, cuda.Options{}))
	ctx := t.Context()
	s := must[*cuda.Stream](t)(one.Stream())
	b := must[*cuda.Buffer](t)(one.Alloc(ctx, 100))
	far := must[*cuda.Buffer](t)(two.Alloc(ctx, 100))
	freed := must[*cuda.Buffer](t)(one.Alloc(ctx, 100))
	check(t, freed.Free())
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"behind the end", s.Fill(b, 200, 100, 0), "100 bytes from byte 200 on of a buffer of 100"},
		{"before the start", s.Upload(ctx, b, -1, []byte{1}), "from byte -1"},
		{"freed", s.Fill(freed, 0, 1, 0), "freed"},
		{"nil", s.Download(ctx, []byte{1}, nil, 0), "freed"},
		{"other device", s.Fill(far, 0, 1, 0), "buffer is of cuda:1, the stream of cuda:0"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, c.err)
		}
	}
	check(t, s.CopyPeer(b, 0, far, 0, 100))
	check(t, s.Sync(ctx))
	// What is left open is said, once.
	err := one.Close()
	for _, want := range []string{"1 streams were not closed", "1 buffers of 256 bytes"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Close: %v; %q is missing", err, want)
		}
	}
	check(t, one.Close())
	check(t, errors.Join(b.Free(), s.Close(), far.Free(), two.Close()))
	if _, err := one.Alloc(ctx, 1); !errors.Is(err, cuda.ErrClosed) {
		t.Errorf("Alloc after Close: %v", err)
	}
	check(t, s.Close())
	if err := s.Fill(b, 0, 1, 0); err == nil {
		t.Error("work on a closed device")
	}
	check(t, v.Close()) // all of it was given back nevertheless
}

func TestSharedDevices(t *testing.T) {
	v := must[*cuda.Driver](t)(cuda.Simulated(fake.Options{Devices: 2, Name: "Card", Major: 8, Minor: 6}))
	infos := must[[]cuda.Info](t)(v.Devices())
	if len(infos) != 2 || infos[1].UUID == infos[0].UUID || fmt.Sprint(infos[1]) != "1: Card, sm_86, 1.0 GiB, driver for CUDA 12.4" {
		t.Errorf("%v", infos)
	}
	for local, want := range []string{"cuda:0", "cuda:1", "cuda:0"} {
		d := must[*cuda.Device](t)(v.Open(local, cuda.Options{}))
		if d.Name() != want {
			t.Errorf("local rank %d has %s", local, d.Name())
		}
		check(t, d.Close())
	}
	check(t, v.Close())
}

// TestPipeline takes pieces through slots that are too few for all, and looks at the result and at what overlapped.
func TestPipeline(t *testing.T) {
	const n, piece = 12, 50_000
	seeds(t, 8, func(t *testing.T, seed uint64) {
		for _, slots := range []int{1, 2, 3} {
			dev := open(t, fake.Options{Seed: seed, Rates: fake.Rates{Memory: 50e9}}, cuda.Options{Stage: 64 << 10, Stages: 2})
			ctx := t.Context()
			p := must[*cuda.Pipeline](t)(dev.Pipeline(slots))
			var in, out []*cuda.Buffer
			for range slots {
				in = append(in, must[*cuda.Buffer](t)(dev.Alloc(ctx, piece)))
				out = append(out, must[*cuda.Buffer](t)(dev.Alloc(ctx, piece)))
			}
			src, dst := noise(seed, n*piece), make([]byte, n*piece)
			at := func(k int) (lo, hi int) { return k * piece, (k + 1) * piece }
			err := p.Run(ctx, n, cuda.Stages{
				Upload: func(ctx context.Context, s *cuda.Stream, k, slot int) error {
					lo, hi := at(k)
					return s.Upload(ctx, in[slot], 0, src[lo:hi])
				},
				Launch: func(_ context.Context, s *cuda.Stream, _, slot int) error {
					return s.Copy(out[slot], 0, in[slot], 0, piece)
				},
				Download: func(ctx context.Context, s *cuda.Stream, k, slot int) error {
					lo, hi := at(k)
					return s.Download(ctx, dst[lo:hi], out[slot], 0)
				},
			})
			check(t, err)
			if string(src) != string(dst) {
				t.Fatalf("seed %d, %d slots: wrong bytes", seed, slots)
			}
			check(t, p.Close())
			for i := range slots {
				check(t, errors.Join(in[i].Free(), out[i].Free()))
			}
		}
	})
}

func TestPipelineFails(t *testing.T) {
	leak.Check(t)
	dev := open(t, fake.Options{}, cuda.Options{})
	p := must[*cuda.Pipeline](t)(dev.Pipeline(2))
	broken := errors.New("broken")
	err := p.Run(t.Context(), 5, cuda.Stages{Launch: func(_ context.Context, _ *cuda.Stream, k, _ int) error {
		if k == 3 {
			return broken
		}
		return nil
	}})
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "piece 3 of 5") {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(broken)
	if err := p.Run(ctx, 5, cuda.Stages{}); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	check(t, p.Run(t.Context(), 5, cuda.Stages{}))
	check(t, errors.Join(p.Close(), p.Close()))
	if _, err := dev.Pipeline(0); err == nil {
		t.Error("a pipeline without slots")
	}
}

// TestOverlap looks whether uploads of pieces are under way while kernels run, in the device's time: never with one slot, and with three
// unless the host was too slow to queue the next piece, which is why there are several attempts.
func TestOverlap(t *testing.T) {
	leak.Check(t)
	overlaps := func(slots int) (n int) {
		const pieces, piece = 12, 50_000
		v := must[*cuda.Driver](t)(cuda.Simulated(fake.Options{Rates: fake.Rates{HostToDevice: 5e8, DeviceToHost: 5e8, Memory: 1e9}}))
		dev := must[*cuda.Device](t)(v.Open(0, cuda.Options{Stage: 64 << 10, Stages: 4}))
		ctx := t.Context()
		p := must[*cuda.Pipeline](t)(dev.Pipeline(slots))
		var bufs []*cuda.Buffer
		for range 2 * slots {
			bufs = append(bufs, must[*cuda.Buffer](t)(dev.Alloc(ctx, piece)))
		}
		src, dst := noise(1, pieces*piece), make([]byte, pieces*piece)
		check(t, p.Run(ctx, pieces, cuda.Stages{
			Upload: func(ctx context.Context, s *cuda.Stream, k, slot int) error {
				return s.Upload(ctx, bufs[slot], 0, src[k*piece:][:piece])
			},
			Launch: func(_ context.Context, s *cuda.Stream, _, slot int) error {
				return s.Copy(bufs[slots+slot], 0, bufs[slot], 0, piece)
			},
			Download: func(ctx context.Context, s *cuda.Stream, k, slot int) error {
				return s.Download(ctx, dst[k*piece:][:piece], bufs[slots+slot], 0)
			},
		}))
		if string(src) != string(dst) {
			t.Errorf("%d slots: wrong bytes", slots)
		}
		for _, up := range v.Machine().Trace() {
			for _, run := range v.Machine().Trace() {
				if up.Name == "host to device" && run.Name == "copy" && up.Start < run.End && run.Start < up.End {
					n++
				}
			}
		}
		check(t, p.Close())
		for _, b := range bufs {
			check(t, b.Free())
		}
		check(t, errors.Join(dev.Close(), v.Close()))
		return n
	}
	for range 5 {
		if n := overlaps(1); n > 0 {
			t.Errorf("%d uploads into the one slot while a kernel read it", n)
		}
	}
	for range 50 {
		if overlaps(3) > 0 {
			return
		}
	}
	t.Error("no upload ever overlapped with a kernel")
}

// TestSyncEnds waits for a kernel that takes longer than the caller wants to wait.
func TestSyncEnds(t *testing.T) {
	leak.Check(t)
	dev := open(t, fake.Options{}, cuda.Options{})
	m := must[*cuda.Module](t)(dev.Load(`.version 7.0
.target sm_70
.address_size 64
.visible .entry spin(.param .u64 n)
{
	.reg .pred %p<2>;
	.reg .b64 %rd<3>;
	ld.param.u64 %rd1, [n];
AGAIN:
	sub.s64 %rd1, %rd1, 1;
	setp.ne.s64 %p1, %rd1, 0;
	@%p1 bra AGAIN;
	ret;
}
`))
	f := must[*cuda.Func](t)(m.Func("spin"))
	s := must[*cuda.Stream](t)(dev.Stream())
	check(t, f.Launch(s, cuda.Dim{1}, cuda.Dim{32}, 0, []uint64{100_000}))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	began := time.Now()
	err := s.Sync(ctx)
	if late := time.Since(began); late > 130*time.Millisecond {
		t.Errorf("came back after %v", late)
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Logf("the kernel was over: %v", err)
	}
	check(t, s.Sync(t.Context()))
	check(t, errors.Join(m.Close(), s.Close()))
}

// TestPipelineSlots takes many small pieces of pinned memory through few slots, so that much is queued before anything is waited for.
func TestPipelineSlots(t *testing.T) {
	const n, piece = 64, 256
	seeds(t, 12, func(t *testing.T, seed uint64) {
		dev := open(t, fake.Options{Seed: seed}, cuda.Options{})
		ctx := t.Context()
		host := dev.Pinned()
		src, dst := host.Allocate(n*piece), host.Allocate(n*piece)
		copy(src, noise(seed, n*piece))
		for _, slots := range []int{1, 2, 5} {
			p := must[*cuda.Pipeline](t)(dev.Pipeline(slots))
			var bufs []*cuda.Buffer
			for range 2 * slots {
				bufs = append(bufs, must[*cuda.Buffer](t)(dev.Alloc(ctx, piece)))
			}
			clear(dst)
			check(t, p.Run(ctx, n, cuda.Stages{
				Upload: func(ctx context.Context, s *cuda.Stream, k, slot int) error {
					return s.Upload(ctx, bufs[slot], 0, src[k*piece:][:piece])
				},
				Launch: func(_ context.Context, s *cuda.Stream, _, slot int) error {
					return s.Copy(bufs[slots+slot], 0, bufs[slot], 0, piece)
				},
				Download: func(ctx context.Context, s *cuda.Stream, k, slot int) error {
					return s.Download(ctx, dst[k*piece:][:piece], bufs[slots+slot], 0)
				},
			}))
			if string(src) != string(dst) {
				t.Errorf("%d slots: wrong bytes", slots)
			}
			check(t, p.Close())
			for _, b := range bufs {
				check(t, b.Free())
			}
		}
		host.Free(src)
		host.Free(dst)
	})
}
