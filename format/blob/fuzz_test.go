package blob_test

import (
	"strings"
	"testing"

	"github.com/darray-go/darray/format/blob"
)

// FuzzURL: a URL that is taken names a bucket, and is made again of its parts.
func FuzzURL(f *testing.F) {
	for _, s := range []string{
		"s3://bucket/key", "gs://b/folder/*.npy?anonymous=true", "s3://b/k?endpoint=http%3A%2F%2Fhost:1&region=x&use_path_style=true", "s3://b/what?.csv", "s3:///k", "S3://b", "://", "gs",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		bucket, key, again, err := blob.Located(text)
		if err != nil {
			return
		}
		_, rest, _ := strings.Cut(text, "://")
		if _, want, _ := strings.Cut(again, "://"); bucket == "" || want != rest && want != strings.Replace(rest, bucket, bucket+"/", 1) {
			t.Errorf("%q: bucket %q, key %q, again %q", text, bucket, key, again)
		}
	})
}

// FuzzContentRange: what a server says of a range is within the size that it says.
func FuzzContentRange(f *testing.F) {
	for _, s := range []string{"bytes 0-9/10", "bytes 5-4/10", "bytes 0-9/*", "bytes */10", "bytes -1-9/10", "bytes 0-9/10 and more"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		lo, hi, total, err := blob.ContentRange(text)
		if err == nil && (lo < 0 || hi <= lo || hi > total) {
			t.Errorf("%q: [%d, %d) of %d", text, lo, hi, total)
		}
	})
}
