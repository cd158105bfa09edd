package link

import (
	"context"
	"slices"
	"sync"
)

// Inbox is the queue of received messages inside a Conn, for those who implement one. It is unbounded: its users bound
// it by EagerCredit and by the number of senders that wait. Any goroutine may Put; one at a time may Get.
type Inbox struct {
	mu    sync.Mutex
	queue []*Message
	taker func(*Message) bool // where not nil, is offered each message before it is queued
	err   error               // why no more will come
	wake  chan struct{}       // one slot: there is news for Get
}

// NewInbox returns an empty Inbox.
func NewInbox() *Inbox {
	return &Inbox{wake: make(chan struct{}, 1)}
}

// Put appends m, or hands it to who diverts, and reports whether the Inbox was open.
func (b *Inbox) Put(m *Message) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return false
	}
	if b.taker != nil && b.taker(m) {
		return true
	}
	b.queue = append(b.queue, m)
	b.signal()
	return true
}

// Divert offers the queued messages to take, and from now on each new one before it is queued (see Conn.Divert).
func (b *Inbox) Divert(take func(*Message) bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.taker = take
	b.queue = slices.DeleteFunc(b.queue, take)
}

// Get blocks for the oldest message, ctx's end, or the end of an Inbox that is empty.
func (b *Inbox) Get(ctx context.Context) (*Message, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		m, err := b.take()
		if m != nil || err != nil {
			return m, err
		}
		select {
		case <-b.wake:
		case <-ctx.Done():
		}
	}
}

// End lets no more in: Get returns what is queued and then err. Only the first End counts.
func (b *Inbox) End(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil {
		b.err = err
	}
	b.signal()
}

// Drop ends the Inbox with err at once, whatever ended it before, and returns what nobody will receive any more.
func (b *Inbox) Drop(err error) []*Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	left := b.queue
	b.queue, b.err = nil, err
	b.signal()
	return left
}

func (b *Inbox) take() (*Message, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.queue) == 0 {
		if b.err != nil {
			b.signal() // the end is news for every later Get too
		}
		return nil, b.err
	}
	m := b.queue[0]
	b.queue[0] = nil // let it be collected once it is finished
	b.queue = b.queue[1:]
	return m, nil
}

func (b *Inbox) signal() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}
