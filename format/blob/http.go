package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/darray-go/darray/format"
)

// web is a version of a file on a web server, as a ranger.
type web struct {
	url       string
	client    *http.Client
	transport *http.Transport
	size      int
	mark      string // ETag, or Last-Modified where there is none
}

// wholeBytes is the most that is read of a server without ranges where the options set no budget.
const wholeBytes = 1 << 30

// openHTTP asks for the beginning of a file, and learns the rest from the answer: a request of the kind that reading makes, which signed
// URLs allow where they do not allow HEAD.
func openHTTP(ctx context.Context, text string, o format.Options) (*format.Input, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("is not a URL; write https://host/path")
	}
	t := newTransport()
	w := &web{url: text, client: &http.Client{Transport: t}, transport: t}
	var in *format.Input
	err = retry(ctx, func() (_ bool, err error) {
		in, err = w.open(ctx, o)
		return false, err
	})
	if err != nil {
		w.close()
		return nil, err
	}
	return in, nil
}

func (w *web) close() { w.transport.CloseIdleConnections() }

// open makes the first request.
func (w *web) open(ctx context.Context, o format.Options) (*format.Input, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r, err := w.request(ctx, 0, pageBytes, "")
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	w.mark = firstOf(r.Header.Get("ETag"), r.Header.Get("Last-Modified"))
	name := redacted(w.url)
	switch r.StatusCode {
	case http.StatusOK:
		data, err := whole(r, o, cancel)
		if err != nil {
			return nil, err
		}
		w.close()
		return format.NewInput(name, len(data), w.version(len(data)), downloaded(data)), nil
	case http.StatusRequestedRangeNotSatisfiable:
		if strings.ReplaceAll(r.Header.Get("Content-Range"), " ", "") != "bytes*/0" {
			return nil, fmt.Errorf("the server serves no ranges, and says %s", r.Status)
		}
		return format.NewInput(name, 0, w.version(0), newRemote(w, 0)), nil
	}
	lo, hi, total, err := contentRange(r.Header)
	if err != nil {
		return nil, err
	}
	w.size = total
	m := newRemote(w, total)
	if lo == 0 && hi == min(pageBytes, total) {
		b := make([]byte, hi)
		if _, err := readBody(r.Body, b, cancel); err != nil {
			return nil, err
		}
		m.pages.put(b)
	}
	return format.NewInput(name, total, w.version(total), m), nil
}

// version is the mark of the content with its size, which all see alike.
func (w *web) version(size int) string { return fmt.Sprintf("%d bytes %s", size, w.mark) }

// request asks for a range, and makes errors of answers without one: those that are for the caller to look at have status 200, 206, 416.
func (w *web) request(ctx context.Context, at, n int, mark string) (*http.Response, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url, nil)
	if err != nil {
		return nil, err
	}
	q.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", at, at+n-1))
	q.Header.Set("Accept-Encoding", "identity")
	switch {
	case mark == "" || strings.HasPrefix(mark, "W/"): // a weak mark matches nothing; the answer's is compared
	case strings.HasPrefix(mark, `"`):
		q.Header.Set("If-Match", mark)
	default:
		q.Header.Set("If-Unmodified-Since", mark)
	}
	r, err := w.client.Do(q)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // without the URL, in which secrets may be
		}
		return nil, judge(err)
	}
	switch s := r.StatusCode; {
	case s == http.StatusOK || s == http.StatusPartialContent:
		if e := r.Header.Get("Content-Encoding"); e != "" && e != "identity" {
			err = fmt.Errorf("the server sends it compressed as %s; ask it not to, or copy the file to the disk", e)
		}
	case s == http.StatusRequestedRangeNotSatisfiable:
	case s == http.StatusPreconditionFailed:
		err = errChanged
	case s == http.StatusNotFound || s == http.StatusGone:
		err = fmt.Errorf("the server says %s; check the URL", r.Status)
	case s == http.StatusUnauthorized || s == http.StatusForbidden:
		err = fmt.Errorf("the server says %s; check the rights, as https://user:password@host/path", r.Status)
	case passes(s):
		err = transient(fmt.Errorf("the server says %s", r.Status))
	default:
		err = fmt.Errorf("the server says %s", r.Status)
	}
	if err != nil {
		r.Body.Close()
		return nil, err
	}
	return r, nil
}

func (w *web) get(ctx context.Context, at, n int) (io.ReadCloser, error) {
	r, err := w.request(ctx, at, n, w.mark)
	if err != nil {
		return nil, err
	}
	switch mark := firstOf(r.Header.Get("ETag"), r.Header.Get("Last-Modified")); {
	case r.StatusCode == http.StatusRequestedRangeNotSatisfiable, mark != w.mark:
		err = errChanged
	default:
		err = checkRange(r.Header, at, n, w.size)
	}
	if err != nil {
		r.Body.Close()
		return nil, err
	}
	return r.Body, nil
}

// whole reads all of a file, whose end must be told.
func whole(r *http.Response, o format.Options, cancel context.CancelCauseFunc) ([]byte, error) {
	limit := o.Budget
	if limit == 0 {
		limit = wholeBytes
	}
	if r.ContentLength < 0 && r.ProtoMajor == 1 && !slices.Contains(r.TransferEncoding, "chunked") {
		return nil, fmt.Errorf("the server serves no ranges and does not say how long the file is; copy it to the disk")
	}
	tooLong := fmt.Errorf("the server serves no ranges, and the file is longer than Options.Budget of %d bytes; copy it to the disk, or raise that", limit)
	if r.ContentLength > int64(limit) {
		return nil, tooLong
	}
	timer := time.AfterFunc(stall, func() { cancel(transient(fmt.Errorf("nothing came for %s", stall))) })
	defer timer.Stop()
	var out []byte
	for {
		out = slices.Grow(out, 64<<10) // no more than comes, whatever was told
		n, err := r.Body.Read(out[len(out):min(cap(out), len(out)+readBytes)])
		out = out[:len(out)+n]
		switch {
		case len(out) > limit:
			return nil, tooLong
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return nil, transient(fmt.Errorf("after %d bytes: %w", len(out), err))
		}
		timer.Reset(stall)
	}
}

// downloaded is a file in memory, as format.Bytes.
type downloaded []byte

// View gives memory of the garbage collector.
func (d downloaded) View(_ context.Context, at, n int) ([]byte, error) {
	return d[at : at+n : at+n], nil
}

// Fill copies.
func (d downloaded) Fill(_ context.Context, dst []byte, at int) error {
	copy(dst, d[at:])
	return nil
}

// Close does nothing.
func (d downloaded) Close() error { return nil }
