package arrowipc_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/darray-go/darray/format"
	"github.com/darray-go/darray/format/arrowipc"
	"github.com/darray-go/darray/format/formattest"
	"github.com/darray-go/darray/internal/leak"
)

// TestViewOrCopy: rows of one batch share the mapping's memory, whatever the width, and those of strings too; rows of several do not.
func TestViewOrCopy(t *testing.T) {
	leak.Check(t)
	types := slices.Concat(formattest.Numbers(), formattest.Times(), formattest.Texts()[:1])
	batches := sample(types, true, 5000, 5000)
	f := openFile(t, save(t, formattest.Encode(t, arrowipc.Format, format.WriteOptions{}, batches...)), format.Options{})
	for c := range types {
		first := func(lo, hi int) *byte {
			buffers := read(t, f, c, lo, hi).Data().Buffers()
			return &buffers[len(buffers)-1].Bytes()[0]
		}
		if first(4000, 5000) != first(4000, 4001) {
			t.Errorf("%s: two reads of one batch do not share memory", types[c])
		}
		if over := first(4000, 5001); over == first(4000, 5001) {
			t.Errorf("%s: two reads over two batches share memory", types[c])
		}
	}
}

// touched is bytes of which is noted what is asked for.
type touched struct {
	data []byte
	mu   sync.Mutex
	seen map[int]bool // positions, by 64
}

func (m *touched) View(_ context.Context, at, n int) ([]byte, error) {
	m.note(at, n)
	return bytes.Clone(m.data[at : at+n]), nil
}

func (m *touched) Fill(_ context.Context, dst []byte, at int) error {
	m.note(at, len(dst))
	copy(dst, m.data[at:])
	return nil
}

func (m *touched) note(at, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := at / 64; i*64 < at+n; i++ {
		m.seen[i] = true
	}
}

func (*touched) Close() error { return nil }

// TestProjection: reading a column asks for its buffers and the metadata, and for no other column's bytes.
func TestProjection(t *testing.T) {
	leak.Check(t)
	types := []arrow.DataType{arrow.BinaryTypes.String, arrow.PrimitiveTypes.Float64, arrow.ListOf(arrow.PrimitiveTypes.Int64)}
	batches := sample(types, false, 20_000)
	for _, compression := range []string{"none", "zstd"} {
		data := formattest.Encode(t, arrowipc.Format, format.WriteOptions{Compression: compression}, batches...)
		m := &touched{data: data, seen: make(map[int]bool)}
		f, err := format.Open(t.Context(), arrowipc.Format, format.NewInput("x.arrow", len(data), "1", m), format.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if opened := 64 * len(m.seen); opened > 4000 {
			t.Errorf("opening a file of %d bytes reads %d", len(data), opened)
		}
		clear(m.seen)
		if err := formattest.Equal(read(t, f, 1, 0, f.Rows), batches[0].Column(1)); err != nil {
			t.Error(err)
		}
		if n := 64 * len(m.seen); n > 8*20_000+4000 {
			t.Errorf("a column of %d bytes reads %d", 8*20_000, n)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAlignment: what is written lies at multiples of 64 bytes in the file.
func TestAlignment(t *testing.T) {
	leak.Check(t)
	batch := sample(formattest.Numbers(), true, 1001)[0]
	data := formattest.Encode(t, arrowipc.Format, format.WriteOptions{BatchRows: 192}, batch)
	for c, typ := range formattest.Numbers() {
		f := openFile(t, save(t, data), format.Options{})
		for lo := 0; lo < 1001; lo += 192 {
			values := read(t, f, c, lo, min(lo+192, 1001)).Data().Buffers()[1].Bytes()
			at := bytes.Index(data, values)
			for ; at >= 0 && at%64 != 0; at = next(data, values, at) {
			}
			if at < 0 {
				t.Errorf("%s: the values of rows from %d lie nowhere at a multiple of 64", typ, lo)
			}
		}
	}
}

// next is where b lies in data behind at; -1 nowhere.
func next(data, b []byte, at int) int {
	if i := bytes.Index(data[at+1:], b); i >= 0 {
		return at + 1 + i
	}
	return -1
}

func TestManyReadersAndClose(t *testing.T) {
	leak.Check(t)
	types := slices.Concat(formattest.Numbers(), formattest.Texts(), formattest.Others())
	batches := sample(types, true, 50, 50)
	path := save(t, encode(t, false, batches[0].Schema(), batches))
	for _, o := range []format.Options{{}, {Copy: true}} {
		f := openFile(t, path, o)
		var running sync.WaitGroup
		for i := range types {
			want := stringsOf(batches[1].Column(i))[10]
			running.Go(func() {
				for {
					out, err := f.Read(context.Background(), []int{i}, 20, 80)
					if err != nil {
						if !strings.Contains(err.Error(), "close") {
							t.Error(err)
						}
						return
					}
					if got := out[0].ValueStr(40); got != want {
						t.Errorf("column %d: %v, want %v", i, got, want)
						return
					}
					if i == 0 {
						f.Close()
					}
				}
			})
		}
		running.Wait()
	}
}

// TestFileCutWhileOpen: what would be SIGBUS is an error wherever this package touches the bytes itself, in other goroutines too.
func TestFileCutWhileOpen(t *testing.T) {
	leak.Check(t)
	batches := sample([]arrow.DataType{arrow.PrimitiveTypes.Float64, arrow.BinaryTypes.String}, false, 4000, 4000)
	for _, compression := range []string{"none", "zstd"} {
		for _, copying := range []bool{false, true} {
			for column := range 2 {
				path := save(t, formattest.Encode(t, arrowipc.Format, format.WriteOptions{Compression: compression}, batches...))
				f := openFile(t, path, format.Options{Copy: copying})
				if err := os.Truncate(path, 4096); err != nil {
					t.Fatal(err)
				}
				if _, err := f.Read(t.Context(), []int{column}, 0, 8000); err == nil || !strings.Contains(err.Error(), "shorter while it was open") {
					t.Errorf("%s, copying %v: %v", compression, copying, err)
				}
			}
		}
	}
}

func TestBudget(t *testing.T) {
	leak.Check(t)
	b := arrowarray.NewFloat64Builder(memory.DefaultAllocator)
	b.AppendValues(make([]float64, 1<<20), nil) // 8 MiB of zeros, some hundred bytes of zstd
	schema := arrow.NewSchema([]arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Float64}}, nil)
	batch := arrowarray.NewRecordBatch(schema, []arrow.Array{b.NewArray()}, 1<<20)
	data := formattest.Encode(t, arrowipc.Format, format.WriteOptions{Compression: "zstd", BatchRows: 1 << 14}, batch)
	f := formattest.Open(t, arrowipc.Format, "bomb.arrow", data, format.Options{Budget: 1 << 20})
	if f.Rows != 1<<20 {
		t.Fatalf("%d rows", f.Rows)
	}
	if _, err := f.Read(t.Context(), []int{0}, 0, f.Rows); err == nil || !strings.Contains(err.Error(), `column "x": it takes 8388608 bytes more, over the budget of 1048576; read fewer rows`) {
		t.Error(err)
	}
	for range 20 { // it is the budget of each call
		if a := read(t, f, 0, f.Rows-1000, f.Rows); a.Len() != 1000 {
			t.Error(a)
		}
	}
}

// TestBudgetOfBorders: a few rows over the border of large batches take a small budget, of every type.
func TestBudgetOfBorders(t *testing.T) {
	leak.Check(t)
	batches := sample(everyType(), true, 5000, 5000)
	f := formattest.Open(t, arrowipc.Format, "x.arrow", formattest.Encode(t, arrowipc.Format, format.WriteOptions{}, batches...), format.Options{Budget: 1 << 20})
	for c := range everyType() {
		if a := read(t, f, c, 4990, 5010); a.Len() != 20 {
			t.Error(a)
		}
	}
}

// TestMemory: the reading of a compressed column of strings takes little more than what it gives, twice.
func TestMemory(t *testing.T) {
	leak.Check(t)
	words := slices.Repeat([]string{strings.Repeat("some text ", 10), "größer", ""}, 1<<16)
	batch := texts(words...)
	for _, compression := range []string{"none", "lz4", "zstd"} {
		data := formattest.Encode(t, arrowipc.Format, format.WriteOptions{Compression: compression, BatchRows: 1 << 15}, batch)
		whole := uint64(batch.Column(0).Data().SizeInBytes())
		_, used, err := readBytes(data, format.Options{})
		if most := 2*whole + whole/4 + 24<<20; err != nil || used > most {
			t.Errorf("%s: %d bytes allocated to read %d; %v", compression, used, whole, err)
		}
	}
}

// meeting is bytes that two must read at once.
type meeting struct {
	touched
	met   chan struct{}
	alone atomic.Int32
}

func (m *meeting) Fill(ctx context.Context, dst []byte, at int) error {
	if m.alone.Add(1) <= 2 && len(dst) > 1<<10 {
		select { // the first waits for the second
		case m.met <- struct{}{}:
		case <-m.met:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return m.touched.Fill(ctx, dst, at)
}

// TestParallel: batches, and columns, are read by several goroutines at once.
func TestParallel(t *testing.T) {
	leak.Check(t)
	if runtime.GOMAXPROCS(0) < 2 {
		t.Skip("one thread")
	}
	for _, typ := range []arrow.DataType{arrow.PrimitiveTypes.Float64, arrow.BinaryTypes.String, arrow.ListOf(arrow.PrimitiveTypes.Int64)} {
		for _, compression := range []string{"none", "lz4", "zstd"} {
			two := sample([]arrow.DataType{typ}, false, 20_000, 20_000)
			data := formattest.Encode(t, arrowipc.Format, format.WriteOptions{Compression: compression}, two...)
			m := &meeting{touched: touched{data: data, seen: make(map[int]bool)}, met: make(chan struct{})}
			f, err := format.Open(t.Context(), arrowipc.Format, format.NewInput("x.arrow", len(data), "1", m), format.Options{})
			if err != nil {
				t.Fatal(err)
			}
			ctx, end := context.WithTimeout(t.Context(), time.Minute) // for a reader that does not, which would wait for ever
			out, err := f.Read(ctx, []int{0}, 0, f.Rows)
			if end(); err != nil {
				t.Fatalf("%s, %q: %v", typ, compression, err)
			}
			if err := formattest.Equal(arrowarray.NewSlice(out[0], 20_000, 40_000), two[1].Column(0)); err != nil {
				t.Error(err)
			}
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// ending is bytes that end a context as they are read.
type ending struct {
	touched
	end   context.CancelFunc
	calls int
}

func (m *ending) Fill(ctx context.Context, dst []byte, at int) error {
	m.calls++
	m.end()
	return m.touched.Fill(ctx, dst, at)
}

// TestEnded: a context that has ended stops reading before it begins, and between steps of a few MiB.
func TestEnded(t *testing.T) {
	leak.Check(t)
	f := formattest.Open(t, arrowipc.Format, "x.arrow", smallFiles(t, smallTypes())["file zstd"], format.Options{})
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := f.Reader.Read(ended, []int{0, 1, 2}, 0, 17); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	in := format.Memory("x.arrow", smallFiles(t, smallTypes())["stream"])
	if _, err := format.Open(ended, arrowipc.Format, in, format.Options{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	numbers := sample([]arrow.DataType{arrow.PrimitiveTypes.Float64}, false, 2<<20)
	for compression := range codecs {
		data := formattest.Encode(t, arrowipc.Format, format.WriteOptions{Compression: compression}, numbers...)
		ctx, end := context.WithCancel(t.Context())
		m := &ending{touched: touched{data: data, seen: make(map[int]bool)}, end: end}
		f, err := format.Open(ctx, arrowipc.Format, format.NewInput("x.arrow", len(data), "1", m), format.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Read(ctx, []int{0}, 0, f.Rows); !errors.Is(err, context.Canceled) || m.calls != 1 {
			t.Errorf("%q: %d steps, %v", compression, m.calls, err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

// mappings counts the mappings of a file in this process.
func mappings(t *testing.T, path string) int {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Skip("no /proc/self/maps here")
	}
	return strings.Count(string(maps), path)
}

// TestMappingOutlivesClose: an array keeps the mapping, through slices too, and the last one to go takes it away.
func TestMappingOutlivesClose(t *testing.T) {
	leak.Check(t)
	batches := sample(everyType(), true, 30)
	path := save(t, formattest.Encode(t, arrowipc.Format, format.WriteOptions{}, batches...))
	for c, typ := range everyType() {
		in, err := format.OpenLocal(path, format.Options{})
		if err != nil {
			t.Fatal(err)
		}
		f, err := format.Open(t.Context(), arrowipc.Format, in, format.Options{})
		if err != nil {
			t.Fatal(err)
		}
		a := read(t, f, c, 10, 20)
		a = arrowarray.NewSlice(a, 2, 10)
		if err := errors.Join(f.Close(), f.Close()); err != nil {
			t.Fatal(err)
		}
		f, in = nil, nil
		runtime.GC()
		if err := formattest.Equal(a, arrowarray.NewSlice(batches[0].Column(c), 12, 20)); err != nil {
			t.Errorf("%s: after Close: %v", typ, err)
		}
		if typ.ID() != arrow.NULL && mappings(t, path) == 0 {
			t.Errorf("%s: the mapping is gone while an array views it", typ)
		}
		runtime.KeepAlive(a)
	}
	for range 1000 { // cleanups run in a goroutine of their own, soon after a collection
		if runtime.GC(); mappings(t, path) == 0 {
			return
		}
		runtime.Gosched()
	}
	t.Error("the mapping is there after the last array has gone")
}
