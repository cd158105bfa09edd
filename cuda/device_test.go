package cuda_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/darray-go/darray/cuda"
	"github.com/darray-go/darray/cuda/fake"
	"github.com/darray-go/darray/internal/leak"
)

// open gives a simulated device, or the machine's (see -real), that has to be left as it was found.
func open(t testing.TB, o fake.Options, d cuda.Options) *cuda.Device {
	t.Helper()
	v := driver(t, o)
	if d.Stage == 0 {
		d.Stage = 64 << 10 // large ones take time to make
	}
	dev, err := v.Open(0, d)
	if err != nil {
		t.Fatal(errors.Join(err, v.Close()))
	}
	t.Cleanup(func() {
		if err := dev.Close(); err != nil {
			t.Error(err)
		}
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	})
	return dev
}

// must fails the test at an error.
func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func noise(seed uint64, n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)}).Read(b)
	return b
}

// seeds runs a test with work in different orders.
func seeds(t *testing.T, n int, f func(t *testing.T, seed uint64)) {
	t.Helper()
	leak.Check(t)
	for seed := range uint64(n) {
		if !t.Run(fmt.Sprint(seed), func(t *testing.T) { f(t, seed) }) {
			return
		}
	}
}

func TestRoundTrip(t *testing.T) {
	seeds(t, 8, func(t *testing.T, seed uint64) {
		dev := open(t, fake.Options{Seed: seed}, cuda.Options{Stage: 64 << 10})
		ctx := t.Context()
		s := must[*cuda.Stream](t)(dev.Stream())
		for _, n := range []int{0, 1, 255, 256, 257, 65536, 1<<20 + 3} {
			src, dst := noise(seed, n), make([]byte, n)
			a := must[*cuda.Buffer](t)(dev.Alloc(ctx, n))
			b := must[*cuda.Buffer](t)(s.Alloc(ctx, n))
			check(t, s.Upload(ctx, a, 0, src))
			check(t, s.Copy(b, 0, a, 0, n))
			check(t, s.Download(ctx, dst, b, 0))
			check(t, s.Sync(ctx))
			if !bytes.Equal(src, dst) {
				t.Fatalf("%d bytes came back changed", n)
			}
			check(t, a.Free())
			check(t, b.Free())
		}
		check(t, s.Close())
	})
}

// TestReal is a life on the machine's own device, where there is one.
func TestReal(t *testing.T) {
	v, err := cuda.Load()
	if errors.Is(err, cuda.ErrUnavailable) {
		if again, e := cuda.Load(); again != nil || e != err {
			t.Errorf("loaded again: %v, %v", again, e)
		}
		t.Skip(err)
	}
	check(t, err)
	infos, err := v.Devices()
	if errors.Is(err, cuda.ErrUnavailable) {
		t.Skip(err)
	}
	check(t, err)
	t.Log(infos)
	check(t, life(t.Context(), v))
	d := must[*cuda.Device](t)(v.Open(0, cuda.Options{}))
	t.Log(d.Calibrate(t.Context()))
	check(t, d.Close())
}

func TestUnavailable(t *testing.T) {
	for _, c := range []struct {
		name string
		o    fake.Options
		want string
	}{
		{"no device", fake.Options{Devices: -1}, "CUDA_VISIBLE_DEVICES"},
		{"old driver", fake.Options{Version: 10020}, "CUDA 10.2; install one for CUDA 11.0"},
		{"missing symbol", fake.Options{Missing: []string{"cuLaunchKernel"}}, "cuLaunchKernel"},
	} {
		v, err := cuda.Simulated(c.o)
		if !errors.Is(err, cuda.ErrUnavailable) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %v", c.name, v, err)
		}
	}
}
