package blob_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/darray-go/darray/format"
	"github.com/darray-go/darray/format/blob"
	"github.com/darray-go/darray/format/formattest"
	"github.com/darray-go/darray/format/npy"
	"github.com/darray-go/darray/internal/leak"
)

// random is bytes that no page or range of is like another.
func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b) // never fails
	return b
}

// server serves one file with ranges, as the standard library does, through a handler that may do otherwise.
type server struct {
	*httptest.Server
	requests atomic.Int64
	mu       sync.Mutex
	data     []byte
	mark     string
}

func (s *server) set(data []byte, mark string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data, s.mark = data, mark
}

func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	data, mark := s.data, s.mark
	s.mu.Unlock()
	if !strings.HasPrefix(mark, "at ") {
		w.Header().Set("ETag", mark)
	}
	modified := time.Unix(1700000000, 0)
	if second, ok := strings.CutPrefix(mark, "at "); ok { // no ETag, but a time
		modified = modified.Add(time.Duration(len(second)) * time.Hour)
	}
	http.ServeContent(w, r, "", modified, bytes.NewReader(data))
}

// serving starts a server; without a handler it serves as it should.
func serving(t testing.TB, data []byte, handler func(s *server, w http.ResponseWriter, r *http.Request)) *server {
	t.Helper()
	s := &server{data: data, mark: `"v1"`}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		if handler != nil {
			handler(s, w, r)
			return
		}
		s.serve(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func opened(t testing.TB, url string) *format.Input {
	t.Helper()
	in, err := blob.Open(t.Context(), url, format.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	})
	return in
}

// check compares ranges of an input with the bytes that it should have.
func check(t testing.TB, in *format.Input, data []byte) {
	t.Helper()
	if in.Size != len(data) {
		t.Fatalf("%d bytes, want %d", in.Size, len(data))
	}
	r := rand.New(rand.NewPCG(1, 2))
	spans := [][2]int{{0, len(data)}, {0, 0}, {len(data), 0}, {max(0, len(data)-8), min(8, len(data))}}
	for range 30 {
		at := r.IntN(len(data) + 1)
		spans = append(spans, [2]int{at, r.IntN(min(len(data)-at, 1<<r.IntN(24)) + 1)})
	}
	for _, s := range spans {
		b, err := in.View(t.Context(), s[0], s[1])
		if err != nil {
			t.Fatalf("%d bytes at %d: %v", s[1], s[0], err)
		}
		if !bytes.Equal(b, data[s[0]:s[0]+s[1]]) {
			t.Fatalf("%d bytes at %d are not those of the file", s[1], s[0])
		}
		b = make([]byte, s[1])
		if err := in.Fill(t.Context(), b, s[0]); err != nil || !bytes.Equal(b, data[s[0]:s[0]+s[1]]) {
			t.Fatalf("%d bytes at %d are not those of the file; %v", s[1], s[0], err)
		}
	}
}

func TestRanges(t *testing.T) {
	leak.Check(t)
	for _, n := range []int{0, 1, 1000, 512 << 10, 512<<10 + 1, 3 << 20, 20<<20 + 7} {
		data := random(n)
		s := serving(t, data, nil)
		in := opened(t, s.URL+"/x")
		if in.Version == "" || in.Mapped {
			t.Errorf("version %q, mapped: %v", in.Version, in.Mapped)
		}
		check(t, in, data)
	}
}

// TestSmallReads: many small reads are few requests.
func TestSmallReads(t *testing.T) {
	leak.Check(t)
	data := random(2 << 20)
	s := serving(t, data, nil)
	in := opened(t, s.URL)
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for at := g; at+100 < len(data); at += 1000 {
				b, err := in.View(t.Context(), at, 100)
				if err != nil || !bytes.Equal(b, data[at:at+100]) {
					t.Errorf("100 bytes at %d: %v", at, err)
					return
				}
			}
		})
	}
	all.Wait()
	if n := s.requests.Load(); n != 4 { // 2 MiB are 4 pages, of which the first came with opening
		t.Errorf("%d requests", n)
	}
}

// TestVersions: different content has different versions, the same content the same.
func TestVersions(t *testing.T) {
	leak.Check(t)
	s := serving(t, random(1000), nil)
	first, same := opened(t, s.URL), opened(t, s.URL)
	s.set(random(1000), `"v2"`)
	other := opened(t, s.URL)
	if first.Version != same.Version || first.Version == other.Version {
		t.Errorf("%q, %q, %q", first.Version, same.Version, other.Version)
	}
}

// TestChanged: a file that is replaced while it is read is an error, whatever mark the server gives.
func TestChanged(t *testing.T) {
	leak.Check(t)
	for _, marks := range [][2]string{{`"v1"`, `"v2"`}, {`W/"v1"`, `W/"v2"`}, {"at x", "at xx"}} {
		for _, n := range []int{3 << 20, 2 << 20} { // as long as before, and shorter
			s := serving(t, random(3<<20), nil)
			s.set(random(3<<20), marks[0])
			in := opened(t, s.URL)
			if _, err := in.View(t.Context(), 1<<20, 1<<20); err != nil {
				t.Fatal(err)
			}
			s.set(bytes.Repeat([]byte{7}, n), marks[1])
			for _, at := range []int{1 << 20, 1<<20 + 512<<10, 5 << 19} {
				for _, size := range []int{100, 400 << 10} {
					if _, err := in.View(t.Context(), at, size); err == nil || !strings.Contains(err.Error(), "was replaced") {
						t.Errorf("%s: %d bytes at %d: %v", marks[1], size, at, err)
					}
				}
			}
		}
	}
}

// TestBroken: connections that break off, and servers that fail now and then, are asked again for what is missing.
func TestBroken(t *testing.T) {
	leak.Check(t)
	data := random(2 << 20)
	var turn atomic.Int64
	s := serving(t, data, func(s *server, w http.ResponseWriter, r *http.Request) {
		switch turn.Add(1) % 3 {
		case 0:
			http.Error(w, "busy", http.StatusServiceUnavailable)
		case 1: // half of it
			rec := httptest.NewRecorder()
			s.serve(rec, r)
			for k, v := range rec.Header() {
				w.Header()[k] = v
			}
			w.WriteHeader(rec.Code)
			_, _ = w.Write(rec.Body.Bytes()[:rec.Body.Len()/2]) // the server ends the connection, as less than was told came
		default:
			s.serve(w, r)
		}
	})
	in := opened(t, s.URL)
	b, err := in.View(t.Context(), 0, len(data))
	if err != nil || !bytes.Equal(b, data) {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	if b, err = in.View(t.Context(), 1<<20, 100); err != nil || !bytes.Equal(b, data[1<<20:][:100]) {
		t.Error(err)
	}
}

// TestShort: what stays short is an error.
func TestShort(t *testing.T) {
	leak.Check(t)
	data := random(3 << 20)
	s := serving(t, data, func(s *server, w http.ResponseWriter, r *http.Request) {
		if s.requests.Load() == 1 {
			s.serve(w, r)
			return
		}
		w.Header().Set("ETag", `"v1"`)
		var lo, hi int
		if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &lo, &hi); err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", lo, hi, len(data)))
		w.WriteHeader(http.StatusPartialContent) // and nothing
	})
	in := opened(t, s.URL)
	for _, n := range []int{100, 1 << 20} {
		if _, err := in.View(t.Context(), 1<<20, n); err == nil || !strings.Contains(err.Error(), "0 bytes came of") {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

// TestAnswers: what servers may say otherwise.
func TestAnswers(t *testing.T) {
	leak.Check(t)
	data := random(1 << 20)
	status := func(code int) func(*server, http.ResponseWriter, *http.Request) {
		return func(_ *server, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	ranged := func(text string) func(*server, http.ResponseWriter, *http.Request) {
		return func(_ *server, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Range", text)
			w.WriteHeader(http.StatusPartialContent)
		}
	}
	for name, c := range map[string]struct {
		handler func(*server, http.ResponseWriter, *http.Request)
		want    string
	}{
		"missing":     {status(http.StatusNotFound), "404 Not Found; check the URL"},
		"forbidden":   {status(http.StatusForbidden), "check the rights"},
		"down":        {status(http.StatusBadGateway), "502 Bad Gateway, 5 times"},
		"teapot":      {status(http.StatusTeapot), "418"},
		"no range":    {status(http.StatusPartialContent), "serves no ranges"},
		"no size":     {ranged("bytes 0-9/*"), "the size must be in it"},
		"negative":    {ranged("bytes -5-9/10"), "the size must be in it"},
		"backwards":   {ranged("bytes 9-0/10"), "the size must be in it"},
		"huge":        {ranged("bytes 0-9/99999999999999999999"), "the size must be in it"},
		"unsatisfied": {status(http.StatusRequestedRangeNotSatisfiable), "serves no ranges"},
		"compressed": {func(s *server, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			s.serve(w, r)
		}, "compressed as gzip"},
	} {
		s := serving(t, data, c.handler)
		in, err := blob.Open(t.Context(), s.URL+"/x?secret=hidden", format.Options{})
		if err == nil {
			in.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), s.URL) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	for url, want := range map[string]string{"http://": "is not a URL", "ftp://a/b": `the scheme "ftp" is not known`, "s3://": "there is no bucket", "s3://a/b/": "is a folder"} {
		if _, err := blob.Open(t.Context(), url, format.Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", url, err, want)
		}
	}
}

// TestNoRanges: a server that gives only whole files is asked for one, within the budget and if its end is told.
func TestNoRanges(t *testing.T) {
	leak.Check(t)
	data := random(1 << 20)
	plain := serving(t, data, func(_ *server, w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(data) })
	in := opened(t, plain.URL)
	check(t, in, data)
	if n := plain.requests.Load(); n != 1 {
		t.Errorf("%d requests", n)
	}
	if _, err := blob.Open(t.Context(), plain.URL, format.Options{Budget: 1<<20 - 1}); err == nil || !strings.Contains(err.Error(), "Options.Budget") {
		t.Error(err)
	}
	endless := serving(t, nil, func(_ *server, w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.0 200 OK\r\n\r\nhalf a file")
	})
	if _, err := blob.Open(t.Context(), endless.URL, format.Options{}); err == nil || !strings.Contains(err.Error(), "does not say how long") {
		t.Error(err)
	}
}

// TestCancelled: a context ends a read that waits for a server, before the server does anything more.
func TestCancelled(t *testing.T) {
	leak.Check(t)
	arrived := make(chan struct{}, 100)
	s := serving(t, random(4<<20), func(s *server, w http.ResponseWriter, r *http.Request) {
		if s.requests.Load() == 1 {
			s.serve(w, r)
			return
		}
		arrived <- struct{}{}
		<-r.Context().Done() // until the client has gone
	})
	in := opened(t, s.URL)
	for _, n := range []int{100, 2 << 20} {
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error)
		go func() {
			_, err := in.View(ctx, 1<<20, n)
			failed <- err
		}()
		<-arrived
		cancel()
		if err := <-failed; !errors.Is(err, context.Canceled) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

// TestRefusals: what web servers do not do.
func TestRefusals(t *testing.T) {
	leak.Check(t)
	if _, err := blob.List(t.Context(), "https://host/folder/"); err == nil || !strings.Contains(err.Error(), "name each") {
		t.Error(err)
	}
	if _, err := blob.Create(t.Context(), "https://host/file"); err == nil || !strings.Contains(err.Error(), "only read") {
		t.Error(err)
	}
}

// TestFormat reads a file of a format through a server.
func TestFormat(t *testing.T) {
	leak.Check(t)
	batch := formattest.Batch([]arrow.DataType{arrow.PrimitiveTypes.Float64}, 300_000, false, 1)
	s := serving(t, formattest.Encode(t, npy.Format, format.WriteOptions{}, batch), nil)
	in, err := blob.Open(t.Context(), s.URL+"/x.npy", format.Options{})
	if err != nil {
		t.Fatal(err)
	}
	f, err := format.Open(t.Context(), npy.Format, in, format.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got, err := f.Read(t.Context(), []int{0}, 0, f.Rows)
	if err != nil {
		t.Fatal(err)
	}
	if err := formattest.Equal(got[0], batch.Column(0)); err != nil {
		t.Error(err)
	}
}

// BenchmarkRead reads 64 MiB from a server in the same process.
func BenchmarkRead(b *testing.B) {
	const n = 64 << 20
	s := serving(b, make([]byte, n), nil)
	in := opened(b, s.URL)
	dst := make([]byte, n)
	b.SetBytes(n)
	b.ReportAllocs()
	for b.Loop() {
		if err := in.Fill(b.Context(), dst, 0); err != nil {
			b.Fatal(err)
		}
	}
}
