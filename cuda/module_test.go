package cuda_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/cuda"
	"github.com/darray-go/darray/cuda/fake"
	"github.com/darray-go/darray/internal/leak"
)

// addText is out[i] = a[i] + b[i] for i below n, by the kernel add(n, a, b, out).
const addText = cuda.AddText

func TestLaunch(t *testing.T) {
	seeds(t, 6, func(t *testing.T, seed uint64) {
		dev := open(t, fake.Options{Seed: seed}, cuda.Options{})
		ctx := t.Context()
		m := must[*cuda.Module](t)(dev.Load(addText))
		f := must[*cuda.Func](t)(m.Func("add"))
		s := must[*cuda.Stream](t)(dev.Stream())
		const n = 1000
		a, b, out := make([]float64, n), make([]float64, n), make([]float64, n)
		for i := range n {
			a[i], b[i] = float64(i), 1/float64(i+1)
		}
		var bufs [3]*cuda.Buffer
		for i := range bufs {
			bufs[i] = must[*cuda.Buffer](t)(s.Alloc(ctx, 8*n))
		}
		check(t, s.Upload(ctx, bufs[0], 0, array.Bytes(a)))
		check(t, s.Upload(ctx, bufs[1], 0, array.Bytes(b)))
		params := []uint64{n, bufs[0].Addr(), bufs[1].Addr(), bufs[2].Addr()}
		check(t, f.Launch(s, cuda.Dim{(n + 127) / 128}, cuda.Dim{128}, 0, params))
		clear(params)
		check(t, s.Download(ctx, array.Bytes(out), bufs[2], 0))
		check(t, m.Close()) // the launch goes on
		check(t, s.Sync(ctx))
		for i := range n {
			if out[i] != a[i]+b[i] {
				t.Fatalf("element %d is %v", i, out[i])
			}
		}
		blocks, err := f.Blocks(128, 0)
		if err != nil || blocks != 64 {
			t.Errorf("%d blocks fill the device, %v", blocks, err)
		}
		if r, err := f.Registers(); err != nil || r < 1 {
			t.Errorf("%d registers, %v", r, err)
		}
		for _, b := range bufs {
			check(t, b.Free())
		}
		check(t, s.Close())
	})
}

func TestModules(t *testing.T) {
	leak.Check(t)
	dev := open(t, fake.Options{}, cuda.Options{Modules: 2})
	named := func(i int) string { return strings.ReplaceAll(addText, "add(", fmt.Sprintf("add%d(", i)) }
	one := must[*cuda.Module](t)(dev.Load(addText))
	two := must[*cuda.Module](t)(dev.Load(addText))
	if one != two || one.Time() <= 0 {
		t.Errorf("a text was compiled twice, or in %v", one.Time())
	}
	if _, err := one.Func("none"); !errors.Is(err, cuda.ErrNotFound) || !strings.Contains(err.Error(), `kernel "none"`) {
		t.Errorf("%v", err)
	}
	check(t, one.Close())
	check(t, two.Close())
	check(t, two.Close())
	for i := range 5 {
		m := must[*cuda.Module](t)(dev.Load(named(i)))
		must[*cuda.Func](t)(m.Func(fmt.Sprint("add", i)))
		check(t, m.Close())
	}
	if s := dev.ModuleStats(); s.Loaded != 2 || s.Compiled != 6 || s.Reused != 1 || s.Time <= 0 {
		t.Errorf("%+v", s)
	}
}

func TestTextError(t *testing.T) {
	leak.Check(t)
	dev := open(t, fake.Options{}, cuda.Options{})
	_, err := dev.Load(strings.Replace(addText, "add.rn.f64", "add.rn.f99", 1))
	if !errors.Is(err, cuda.ErrText) {
		t.Fatalf("%v", err)
	}
	for _, want := range []string{"cuModuleLoadDataEx", "ptxas application ptx input, line 29", "line 29: add.rn.f99 %fd3"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nlacks %q", err, want)
		}
	}
}

// TestLaunchParams: a launch with other parameters than the kernel has does not come to the driver, which would read what is not there.
func TestLaunchParams(t *testing.T) {
	leak.Check(t)
	dev := open(t, fake.Options{}, cuda.Options{})
	m := must[*cuda.Module](t)(dev.Load(addText))
	defer m.Close()
	f := must[*cuda.Func](t)(m.Func("add"))
	s := must[*cuda.Stream](t)(dev.Stream())
	defer s.Close()
	for n := range 7 {
		err := f.Launch(s, cuda.Dim{1}, cuda.Dim{32}, 0, make([]uint64, n))
		if want := fmt.Sprintf("launch of add: %d parameters; the kernel has 4", n); n != 4 && (err == nil || err.Error() != want) || n == 4 && err != nil {
			t.Errorf("%d parameters: %v", n, err)
		}
	}
	check(t, s.Sync(t.Context()))
}

// TestFault lets a kernel write where it may not: whatever is waited for next fails, and the device can still be closed.
func TestFault(t *testing.T) {
	leak.Check(t)
	v := must[*cuda.Driver](t)(cuda.Simulated(fake.Options{Missing: []string{"cuFuncGetParamInfo"}})) // so that launches go to the driver
	dev := must[*cuda.Device](t)(v.Open(0, cuda.Options{}))
	ctx := t.Context()
	m := must[*cuda.Module](t)(dev.Load(addText))
	f := must[*cuda.Func](t)(m.Func("add"))
	s := must[*cuda.Stream](t)(dev.Stream())
	b := must[*cuda.Buffer](t)(dev.Alloc(ctx, 8*128))
	for _, c := range []struct {
		name  string
		block cuda.Dim
		p     []uint64
	}{
		{"too few parameters", cuda.Dim{128}, []uint64{1, 2, 3}},
		{"too many parameters", cuda.Dim{128}, []uint64{1, 2, 3, 4, 5}},
		{"too many threads", cuda.Dim{1024, 2}, []uint64{1, 2, 3, 4}},
	} {
		if err := f.Launch(s, cuda.Dim{1}, c.block, 0, c.p); err == nil {
			t.Errorf("%s: no error", c.name)
		}
	}
	check(t, f.Launch(s, cuda.Dim{2}, cuda.Dim{128}, 0, []uint64{129, b.Addr(), b.Addr(), b.Addr()}))
	if err := s.Sync(ctx); !errors.Is(err, cuda.ErrFault) {
		t.Errorf("%v", err)
	}
	if _, err := dev.Stream(); !errors.Is(err, cuda.ErrFault) {
		t.Errorf("%v", err)
	}
	_ = b.Free()
	_ = s.Close()
	_ = m.Close()
	if err := dev.Close(); !errors.Is(err, cuda.ErrFault) {
		t.Errorf("%v", err)
	}
	if left := v.Machine().Leaks(); len(left) > 0 {
		t.Errorf("%v", left)
	}
	err := v.Close()
	for _, want := range []string{"3 parameters; the kernel has 4", "more than the kernel's 4", "behind the end of the allocation of 1024 bytes"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nlacks %q", err, want)
		}
	}
	// The card is as new once its context was made again.
	again := open(t, fake.Options{}, cuda.Options{})
	must[*cuda.Buffer](t)(again.Alloc(ctx, 1)).Free()
}
