package rendezvous

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/darray-go/darray/internal/launch/socket"
)

// local passes the note between processes of one user on one host. Rank 0 hands it out for as long as the channel is
// open; nothing is left of it when that process ends, however it ends.
type local struct {
	key string

	listener net.Listener
	cleanup  func()
	serving  sync.WaitGroup
}

// handOver bounds one hand-over, so that a process that does not read holds up no other for long.
const handOver = 5 * time.Second

func (l *local) Describe() string { return "a socket of this host" }

func (l *local) Publish(_ context.Context, n Note) error {
	text, err := n.encode()
	if err != nil {
		return err
	}
	l.listener, l.cleanup, err = socket.Listen(l.key)
	switch {
	case errors.Is(err, socket.ErrTaken):
		return errors.New("another process is rank 0 of this job already; does the launcher give each process its own rank?")
	case err != nil:
		return err
	}
	l.serving.Go(func() {
		for {
			conn, err := l.listener.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				l.serving.Go(func() { hand(conn, text) })
			}
		}
	})
	return nil
}

func hand(conn net.Conn, text string) {
	defer conn.Close()
	if socket.CheckPeer(conn) != nil {
		return
	}
	_ = conn.SetDeadline(time.Now().Add(handOver))
	_, _ = conn.Write([]byte(text + "\n")) // whoever did not get it comes again
}

func (l *local) Await(ctx context.Context) (Note, error) {
	return poll(ctx, func() (Note, error) {
		conn, err := socket.Dial(ctx, l.key)
		if err != nil {
			return Note{}, err
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(handOver))
		line, err := readLine(bufio.NewReaderSize(conn, maxNote+1))
		if err != nil {
			return Note{}, err
		}
		return decodeNote(line)
	})
}

func (l *local) Close() error {
	if l.listener == nil {
		return nil
	}
	_ = l.listener.Close()
	l.serving.Wait()
	l.cleanup()
	l.listener = nil
	return nil
}

// readLine reads one line of at most the reader's buffer.
func readLine(r *bufio.Reader) (string, error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return "", err
	}
	return string(line[:len(line)-1]), nil
}

// poll asks until it has an answer. Its error at the end of ctx says what the last attempt did.
func poll(ctx context.Context, ask func() (Note, error)) (Note, error) {
	for wait := firstWait; ; wait = min(2*wait, lastWait) {
		n, err := ask()
		if err == nil {
			return n, nil
		}
		if final := (*finalError)(nil); errors.As(err, &final) {
			return Note{}, err
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return Note{}, fmt.Errorf("%w (%w)", context.Cause(ctx), err)
		}
	}
}

const (
	firstWait = 50 * time.Millisecond
	lastWait  = time.Second
)

// finalError is one that waiting does not mend.
type finalError struct{ error }

func (e *finalError) Unwrap() error { return e.error }
