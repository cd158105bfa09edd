package s3_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/minio/minio-go/v7"

	"github.com/darray-go/darray/format"
	"github.com/darray-go/darray/format/blob"
	"github.com/darray-go/darray/format/formattest"
	"github.com/darray-go/darray/format/npy"
	"github.com/darray-go/darray/internal/leak"
)

func transport(t testing.TB) *http.Transport {
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}

// random is bytes that no range of is like another.
func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{2}).Read(b) // never fails
	return b
}

// put writes an object through the library, in writes of uneven size.
func put(t testing.TB, url string, data []byte) {
	t.Helper()
	u, err := blob.Create(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer u.Abort()
	for n := 1; len(data) > 0; n = n*3 + 1 {
		n = min(n, len(data))
		if _, err := u.Write(data[:n]); err != nil {
			t.Fatal(err)
		}
		data = data[n:]
	}
	if err := u.Commit(); err != nil {
		t.Fatal(err)
	}
	if _, err := u.Write([]byte{1}); err == nil {
		t.Error("a write after Commit succeeds")
	}
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

// TestObjects: what is uploaded, in one part or several, comes back by range.
func TestObjects(t *testing.T) {
	leak.Check(t)
	start(t)
	for _, n := range []int{0, 1, 700 << 10, 16 << 20, 40<<20 + 5} {
		data := random(n)
		url := fmt.Sprintf("s3://%s/some folder/ü %d%%20+.bin", bucket, n)
		put(t, url, data)
		in := opened(t, url)
		if in.Size != n || in.Version == "" || in.Path != url {
			t.Fatalf("%d bytes of version %q at %s, want %d", in.Size, in.Version, in.Path, n)
		}
		for _, s := range [][2]int{{0, n}, {n / 3, n / 2}, {max(0, n-10), min(10, n)}, {n / 2, min(100, n-n/2)}, {0, 0}} {
			b, err := in.View(t.Context(), s[0], s[1])
			if err != nil || !bytes.Equal(b, data[s[0]:s[0]+s[1]]) {
				t.Errorf("%d bytes at %d of %d: %v", s[1], s[0], n, err)
			}
		}
	}
}

// TestArrow: an Arrow file is read back by arrow-go through the input, and an archive of arrays through its format.
func TestArrow(t *testing.T) {
	leak.Check(t)
	start(t)
	batch := formattest.Batch(append(formattest.Numbers(), formattest.Texts()...), 5000, true, 3)
	url := "s3://" + bucket + "/x.arrow"
	u, err := blob.Create(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer u.Abort()
	w, err := ipc.NewFileWriter(u, ipc.WithSchema(batch.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := w.Write(batch); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), u.Commit()); err != nil {
		t.Fatal(err)
	}
	in := opened(t, url)
	r, err := ipc.NewFileReader(in.Section(t.Context(), 0, in.Size))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if r.NumRecords() != 3 {
		t.Fatalf("%d batches", r.NumRecords())
	}
	for i := range 3 {
		got, err := r.RecordBatchAt(i)
		if err != nil {
			t.Fatal(err)
		}
		for k := range batch.Columns() {
			if err := formattest.Equal(got.Column(k), batch.Column(k)); err != nil {
				t.Errorf("batch %d, column %d: %v", i, k, err)
			}
		}
	}

	numbers := formattest.Batch([]arrow.DataType{arrow.PrimitiveTypes.Float64, arrow.PrimitiveTypes.Int8}, 100_000, false, 4)
	put(t, "s3://"+bucket+"/x.npz", formattest.Encode(t, npy.Zip, format.WriteOptions{}, numbers))
	f, err := format.Open(t.Context(), npy.Zip, opened(t, "s3://"+bucket+"/x.npz"), format.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got, err := f.Read(t.Context(), []int{1, 0}, 0, f.Rows)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(formattest.Equal(got[0], numbers.Column(1)), formattest.Equal(got[1], numbers.Column(0))); err != nil {
		t.Error(err)
	}
}

// TestChanged: an object that is replaced while it is read is an error.
func TestChanged(t *testing.T) {
	leak.Check(t)
	start(t)
	url := "s3://" + bucket + "/x"
	put(t, url, random(2<<20))
	in := opened(t, url)
	old := opened(t, url).Version
	put(t, url, make([]byte, 2<<20))
	for _, n := range []int{10, 1 << 20} {
		if _, err := in.View(t.Context(), 1000, n); err == nil || !strings.Contains(err.Error(), "was replaced") {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	if now := opened(t, url).Version; now == old {
		t.Errorf("both have version %q", now)
	}
}

func TestList(t *testing.T) {
	leak.Check(t)
	s := start(t)
	var many []string
	for i := range 1050 { // more than an answer lists
		many = append(many, fmt.Sprintf("many/%04d", i))
	}
	for _, key := range append([]string{"a/1.npy", "a/2.npy", "a/3.csv", "a/b/1.npy", "a/c/1.npy", "a*/1.npy", "top.npy"}, many...) {
		if _, err := s.core.PutObject(t.Context(), bucket, key, strings.NewReader("xyz"), 3, "", "", minio.PutObjectOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	for pattern, want := range map[string][]string{
		"a/": {"a/1.npy", "a/2.npy", "a/3.csv", "a/b/1.npy", "a/c/1.npy"}, "a/*.npy": {"a/1.npy", "a/2.npy"}, "a/*/1.npy": {"a/b/1.npy", "a/c/1.npy"},
		"*/1.npy": {"a*/1.npy", "a/1.npy"}, `a\*/`: nil, "a*/": {"a*/1.npy"}, "a/[23].*": {"a/2.npy", "a/3.csv"}, "none/": nil, "many/": many, "many/104?": many[1040:],
	} {
		for _, query := range []string{"", "?endpoint=" + url.QueryEscape(s.endpoint)} {
			got, err := blob.List(t.Context(), "s3://"+bucket+"/"+pattern+query)
			if err != nil {
				t.Errorf("%s: %v", pattern, err)
			}
			var keys []string
			for _, e := range got {
				key, found := strings.CutSuffix(strings.TrimPrefix(e.URL, "s3://"+bucket+"/"), query)
				if keys = append(keys, key); !found || e.Size != 3 {
					t.Errorf("%s: %+v", pattern, e)
				}
			}
			if !slices.Equal(keys, want) {
				t.Errorf("%s: %d keys %.200q, want %d %.200q", pattern, len(keys), keys, len(want), want)
			}
		}
	}
	if _, err := blob.List(t.Context(), "s3://nowhere-at-all/"); err == nil || !strings.Contains(err.Error(), "no such bucket") {
		t.Error(err)
	}
	if _, err := blob.List(t.Context(), "s3://"+bucket+"/[a"); err == nil || !strings.Contains(err.Error(), "malformed") {
		t.Error(err)
	}
}

// uploads are those of an object of which parts lie about.
func (s *started) uploads(t *testing.T, key string) []minio.ObjectMultipartInfo {
	t.Helper()
	r, err := s.core.ListMultipartUploads(t.Context(), bucket, key, "", "", "", 100)
	if err != nil {
		t.Fatal(err)
	}
	return r.Uploads
}

// late removes uploads that came back: a server may still store a part whose request was cancelled after it has removed the upload, as S3's
// documentation of AbortMultipartUpload says. It gives those that are still there.
func (s *started) late(t *testing.T, key string) int {
	t.Helper()
	for range 20 {
		left := s.uploads(t, key)
		if len(left) == 0 {
			return 0
		}
		for _, u := range left {
			t.Logf("%s: a part that was cancelled has arrived after the upload was removed", key)
			_ = s.core.AbortMultipartUpload(t.Context(), bucket, key, u.UploadID) // the next look says whether it has helped
		}
	}
	return len(s.uploads(t, key))
}

// TestAbort: an upload that is given up, fails, or whose context ends leaves the old object and no parts.
func TestAbort(t *testing.T) {
	leak.Check(t)
	s := start(t)
	big := random(36 << 20)
	for i, how := range []string{"abort", "fail", "cancel", "cancel and commit"} {
		key := fmt.Sprintf("aborted%d", i)
		url := "s3://" + bucket + "/" + key
		put(t, url, []byte("old"))
		ctx, cancel := context.WithCancel(t.Context())
		u, err := blob.Create(ctx, url)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := u.Write(big); err != nil {
			t.Fatal(err)
		}
		if n := len(s.uploads(t, key)); n != 1 {
			t.Errorf("%s: %d uploads under way", how, n)
		}
		switch how {
		case "abort":
			u.Abort()
			u.Abort()
		case "fail":
			if err := u.Fail(io.ErrShortWrite); !errors.Is(err, io.ErrShortWrite) || !strings.Contains(err.Error(), url) || !strings.Contains(err.Error(), "as it was") {
				t.Error(err)
			}
		case "cancel":
			cancel()
			if _, err := u.Write(big); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		default:
			cancel()
			if err := u.Commit(); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "as it was") {
				t.Error(err)
			}
		}
		cancel()
		if err := u.Commit(); err == nil {
			t.Errorf("%s: Commit afterwards succeeds", how)
		}
		if n := s.late(t, key); n != 0 {
			t.Errorf("%s: %d uploads are left", how, n)
		}
		in := opened(t, url)
		if b, err := in.View(t.Context(), 0, in.Size); err != nil || string(b) != "old" {
			t.Errorf("%s: %.20q, %v", how, b, err)
		}
	}
}

// TestRefused: errors say what is wrong.
func TestRefused(t *testing.T) {
	leak.Check(t)
	s := start(t)
	put(t, "s3://"+bucket+"/x", []byte("x"))
	open := func(text string) error {
		in, err := blob.Open(t.Context(), text, format.Options{})
		if err == nil {
			in.Close()
		}
		return err
	}
	for text, want := range map[string]string{
		"s3://" + bucket + "/none":                          "no such object",
		"s3://" + bucket + "/x?anonymous=true":              "refuses it",
		"s3://" + bucket + "/x?anonymous=maybe":             "true or false",
		"s3://" + bucket + "/x?endpoint=a/b":                "is not http://host:port",
		"s3://" + bucket + "/x?endpoint=http://127.0.0.1:1": "5 times",
		"s3://" + bucket + "/":                              "is a folder",
		"s3://":                                             "no bucket",
	} {
		if err := open(text); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	t.Setenv("AWS_SECRET_ACCESS_KEY", "wrong")
	if err := open("s3://" + bucket + "/x"); err == nil || !strings.Contains(err.Error(), "check the credentials") {
		t.Error(err)
	}
	if u, err := blob.Create(t.Context(), "s3://"+bucket+"/y"); err != nil {
		t.Error(err)
	} else if err := u.Commit(); err == nil || !strings.Contains(err.Error(), "check the credentials") {
		t.Error(err)
	}

	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":["s3:GetObject"],"Resource":["arn:aws:s3:::` + bucket + `/*"]}]}`
	if err := s.core.SetBucketPolicy(t.Context(), bucket, policy); err != nil {
		t.Fatal(err)
	}
	for _, scheme := range []string{"s3", "gs"} { // Google's servers speak the same
		in := opened(t, scheme+"://"+bucket+"/x?anonymous=true&use_path_style=true&region=us-east-1&endpoint="+s.endpoint)
		if b, err := in.View(t.Context(), 0, in.Size); err != nil || string(b) != "x" {
			t.Errorf("%s: %q, %v", scheme, b, err)
		}
	}
}
