package blob

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/darray-go/darray/format"
)

const (
	partBytes   = 16 << 20 // of the first parts of an object
	partsAlike  = 1000     // parts until they become twice as long: 10,000 are allowed
	maxPart     = 512 << 20
	uploading   = 4                // parts at once
	abortWithin = 30 * time.Second // which is tried even when the context has ended
	assembly    = 10 * time.Minute // that a server may take to put parts together
)

// errDone is a call after Commit or Abort.
var errDone = errors.New("the upload is already committed or aborted; make a new one")

// Create begins an object, which is there once it is committed; until then an older one stays. Parts are stored as they are written, a
// few at a time, so it may hold five of them in memory: 80 MiB, and more of objects beyond 16 GB.
func Create(ctx context.Context, url string) (format.Upload, error) {
	u, err := create(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", redacted(url), err)
	}
	return u, nil
}

func create(ctx context.Context, url string) (*upload, error) {
	if s := schemeOf(url); s == "http" || s == "https" {
		return nil, fmt.Errorf("web servers are only read; write to a disk or an object store")
	}
	at, err := parse(url)
	if err != nil {
		return nil, err
	}
	if at.key == "" || at.key[len(at.key)-1] == '/' {
		return nil, fmt.Errorf("is a folder; name an object in it")
	}
	c, err := connect(ctx, at)
	if err != nil {
		return nil, err
	}
	c.transport.ResponseHeaderTimeout = assembly
	u := &upload{client: c, url: redacted(url), slots: make(chan struct{}, uploading)}
	u.ctx, u.cancel = context.WithCancelCause(ctx)
	return u, nil
}

// upload is a new object. The context is that of Create: the object is written in no other.
type upload struct {
	*client
	url    string
	ctx    context.Context
	cancel context.CancelCauseFunc
	err    error // the first failure, or errDone
	asked  bool  // whether the server was asked to put the object in place

	id     string // of the multipart upload, once there is more than a part
	part   []byte // not stored yet
	number int    // parts that were begun
	slots  chan struct{}
	all    sync.WaitGroup
	mu     sync.Mutex
	parts  []minio.CompletePart
}

// Write appends bytes. It blocks while as many parts are under way as may be.
func (u *upload) Write(b []byte) (n int, err error) {
	if u.err != nil {
		return 0, u.err
	}
	for len(b) > 0 {
		size := min(partBytes<<min(u.number/partsAlike, 5), maxPart)
		if len(u.part) == size {
			if err := u.send(); err != nil {
				return n, u.Fail(err)
			}
			continue
		}
		k := min(len(b), size-len(u.part))
		u.part = append(u.part, b[:k]...)
		b, n = b[k:], n+k
	}
	return n, nil
}

// send begins to store the part that is full.
func (u *upload) send() error {
	if u.id == "" {
		err := retry(u.ctx, func() (_ bool, err error) {
			u.id, err = u.core.NewMultipartUpload(u.ctx, u.at.bucket, u.at.key, minio.PutObjectOptions{})
			return false, judge(err)
		})
		if err != nil {
			return err
		}
	}
	select {
	case u.slots <- struct{}{}:
	case <-u.ctx.Done():
		return context.Cause(u.ctx)
	}
	u.number++
	number, part := u.number, u.part
	u.part = make([]byte, 0, len(part))
	u.all.Go(func() {
		defer func() { <-u.slots }()
		if err := u.store(number, part); err != nil {
			u.cancel(err)
		}
	})
	return context.Cause(u.ctx)
}

// store puts one part in its place.
func (u *upload) store(number int, part []byte) (err error) {
	defer format.Guard(&err)()
	var done minio.ObjectPart
	err = retry(u.ctx, func() (_ bool, err error) {
		done, err = u.core.PutObjectPart(u.ctx, u.at.bucket, u.at.key, u.id, number, bytes.NewReader(part), int64(len(part)), minio.PutObjectPartOptions{})
		return false, judge(err)
	})
	if err != nil {
		return fmt.Errorf("part %d: %w", number, err)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for len(u.parts) < number {
		u.parts = append(u.parts, minio.CompletePart{})
	}
	u.parts[number-1] = minio.CompletePart{PartNumber: number, ETag: done.ETag}
	return nil
}

// Commit stores what is left and puts the object in place.
func (u *upload) Commit() error {
	if u.err != nil {
		return u.err
	}
	if err := u.commit(); err != nil {
		return u.Fail(err)
	}
	u.finish(errDone)
	return nil
}

// commit is Commit; before its last request nothing can be in place.
func (u *upload) commit() error {
	if u.id == "" {
		u.asked = true
		return retry(u.ctx, func() (bool, error) {
			_, err := u.core.PutObject(u.ctx, u.at.bucket, u.at.key, bytes.NewReader(u.part), int64(len(u.part)), "", "", minio.PutObjectOptions{DisableMultipart: true})
			return false, judge(err)
		})
	}
	if len(u.part) > 0 {
		if err := u.send(); err != nil {
			return err
		}
	}
	u.all.Wait()
	if err := context.Cause(u.ctx); err != nil {
		return err
	}
	u.asked = true
	return retry(u.ctx, func() (bool, error) {
		_, err := u.core.CompleteMultipartUpload(u.ctx, u.at.bucket, u.at.key, u.id, u.parts, minio.PutObjectOptions{})
		return false, judge(err)
	})
}

// Abort removes what was stored. It does nothing after Commit.
func (u *upload) Abort() {
	if u.err == nil {
		_ = u.discard() // the caller has given it up, and has no use for the error
		u.finish(errDone)
	}
}

// Fail is Abort, and err with the URL and what is left behind.
func (u *upload) Fail(err error) error {
	if u.err != nil {
		return u.err
	}
	state := "an object of that name is as it was"
	if u.asked && (errors.Is(err, errTransient) || u.ctx.Err() != nil) {
		state = "an object of that name is the old one or the new one, whole"
	}
	if left := u.discard(); left != nil {
		state += fmt.Sprintf(", but parts of this one may be left in upload %s: %v", u.id, left)
	}
	u.finish(fmt.Errorf("write %s: %w; %s", u.url, err, state))
	return u.err
}

// discard ends the parts that are under way and removes all.
func (u *upload) discard() error {
	u.cancel(errDone)
	u.all.Wait()
	if u.id == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(u.ctx), abortWithin)
	defer cancel()
	return retry(ctx, func() (bool, error) {
		// A part that was on its way when it was cancelled may arrive after the rest was removed: look, and remove it again.
		if err := u.core.AbortMultipartUpload(ctx, u.at.bucket, u.at.key, u.id); err != nil && !gone(err) {
			return false, judge(err)
		}
		if _, err := u.core.ListObjectParts(ctx, u.at.bucket, u.at.key, u.id, 0, 1); err != nil {
			if gone(err) {
				return false, nil
			}
			return false, judge(err)
		}
		return false, transient(errors.New("parts still arrive"))
	})
}

// gone reports whether an error says that there is no such upload.
func gone(err error) bool {
	var r minio.ErrorResponse
	return errors.As(err, &r) && (r.Code == "NoSuchUpload" || r.StatusCode == http.StatusNotFound)
}

func (u *upload) finish(err error) {
	u.err, u.part = err, nil
	u.cancel(errDone)
	u.close()
}
