package blob

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/minio/minio-go/v7"

	"github.com/darray-go/darray/format"
)

// List gives the objects below a folder, a URL that ends in /, or those that match a glob of path.Match, whose * and ? do not match a /. They
// are sorted by URL. An empty folder, or a glob that matches nothing, gives none.
func List(ctx context.Context, url string) ([]format.Entry, error) {
	all, err := listed(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", redacted(url), err)
	}
	return all, nil
}

func listed(ctx context.Context, url string) ([]format.Entry, error) {
	if s := schemeOf(url); s == "http" || s == "https" {
		return nil, fmt.Errorf("web servers do not list their files; name each")
	}
	at, err := parse(url)
	if err != nil {
		return nil, err
	}
	pattern := at.key
	if _, err := path.Match(pattern, ""); err != nil {
		return nil, fmt.Errorf("the glob %q is malformed", at.key)
	}
	c, err := connect(ctx, at)
	if err != nil {
		return nil, err
	}
	defer c.close()
	var out []format.Entry
	err = retry(ctx, func() (_ bool, err error) {
		out, err = c.match(ctx, pattern)
		return false, judge(err)
	})
	slices.SortFunc(out, func(a, b format.Entry) int { return strings.Compare(a.URL, b.URL) })
	return out, err
}

// match lists what begins as the glob does up to its first special character, and keeps what matches; of a folder everything.
func (c *client) match(ctx context.Context, pattern string) (out []format.Entry, err error) {
	prefix, deep := fixedPart(pattern)
	folder := pattern == "" || strings.HasSuffix(pattern, "/")
	if folder {
		prefix, deep = pattern, true
	}
	ctx, cancel := context.WithCancel(ctx)
	objects := c.core.Client.ListObjects(ctx, c.at.bucket, minio.ListObjectsOptions{Prefix: prefix, Recursive: deep})
	defer func() {
		cancel()
		for range objects { // until the goroutine that lists has ended
		}
	}()
	for o := range objects {
		if o.Err != nil {
			return nil, o.Err
		}
		if strings.HasSuffix(o.Key, "/") {
			continue // a folder
		}
		if ok, _ := path.Match(pattern, o.Key); ok || folder { // the pattern was tried before
			out = append(out, format.Entry{URL: c.at.url(o.Key), Size: int(o.Size)})
		}
	}
	return out, ctx.Err()
}

// fixedPart is what every match of a glob begins with, and whether matches lie in folders below it.
func fixedPart(pattern string) (prefix string, deep bool) {
	var out strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch pattern[i] {
		case '*', '?', '[':
			return out.String(), strings.Contains(pattern[i:], "/")
		case '\\':
			i++
		}
		out.WriteByte(pattern[i])
	}
	return out.String(), false
}
