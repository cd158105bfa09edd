package blob

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"time"

	"github.com/minio/minio-go/v7"
)

const (
	attempts  = 5                      // of a request, as long as nothing of its answer comes
	firstWait = 100 * time.Millisecond // before the second attempt; each further one waits twice as long
)

// errTransient is a failure that may pass.
var errTransient = errors.New("the server or the network failed")

// errChanged is an object that is no longer the one that was opened.
var errChanged = errors.New("the file was replaced while it was read; open it again")

// retry calls f until it succeeds, fails for good, or was called attempts times without getting further.
func retry(ctx context.Context, f func() (progress bool, err error)) error {
	wait := firstWait
	for failed := 1; ; failed++ {
		progress, err := f()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !errors.Is(err, errTransient) {
			return err
		}
		if progress {
			failed, wait = 1, firstWait
		}
		if failed == attempts {
			return fmt.Errorf("%w, %d times", err, attempts)
		}
		pause := time.NewTimer(wait/2 + rand.N(wait/2))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return context.Cause(ctx)
		}
		wait *= 2
	}
}

// transient marks an error that may pass.
func transient(err error) error { return fmt.Errorf("%w: %w", errTransient, err) }

// passes reports whether a status may be another one soon.
func passes(status int) bool {
	return status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= 500 && status != http.StatusNotImplemented
}

// judge says of an object store's error what it means and what to do.
func judge(err error) error {
	if err == nil {
		return nil
	}
	var r minio.ErrorResponse
	if !errors.As(err, &r) {
		if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		var name *net.DNSError
		var certificate *tls.CertificateVerificationError
		if errors.As(err, &name) && name.IsNotFound || errors.As(err, &certificate) {
			return err
		}
		return transient(err)
	}
	switch {
	case r.Code == "NoSuchBucket":
		return fmt.Errorf("there is no such bucket; check the name, and the endpoint: %w", err)
	case r.StatusCode == http.StatusNotFound:
		return fmt.Errorf("there is no such object; check the key: %w", err)
	case r.StatusCode == http.StatusPreconditionFailed:
		return errChanged
	case r.StatusCode == http.StatusForbidden || r.StatusCode == http.StatusUnauthorized:
		return fmt.Errorf("the server refuses it; check the credentials and their rights, or add ?anonymous=true for a public one: %w", err)
	case passes(r.StatusCode) || r.Code == "RequestTimeout" || r.Code == "SlowDown":
		return transient(err)
	}
	return err
}

// readBody fills dst from a body and reports how much came. A body that stalls is ended by cancel.
func readBody(body io.Reader, dst []byte, cancel context.CancelCauseFunc) (n int, err error) {
	timer := time.AfterFunc(stall, func() { cancel(transient(fmt.Errorf("nothing came for %s", stall))) })
	defer timer.Stop()
	for n < len(dst) {
		k, err := body.Read(dst[n:min(len(dst), n+readBytes)])
		n += k
		if n == len(dst) {
			return n, nil
		}
		if err != nil {
			return n, transient(fmt.Errorf("%d bytes came of %d: %w", n, len(dst), err))
		}
		timer.Reset(stall)
	}
	return n, nil
}

// readBytes is the most that is read from a connection at a time.
const readBytes = 1 << 20
