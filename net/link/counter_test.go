package link_test

import (
	"testing"

	"github.com/darray-go/darray/net/link"
)

// What is received is counted by the time that its receiver has it, and once.
func TestCounterIsAhead(t *testing.T) {
	var c link.Counter
	for _, takes := range []bool{true, false, true} {
		before := c.Stats("").MessagesRecvd
		c.Taken(func(*link.Message) bool {
			if got := c.Stats("").MessagesRecvd; got != before+1 {
				t.Errorf("%d messages are counted as this one is taken, want %d", got, before+1)
			}
			return takes
		})(link.NewMessage(link.Header{}, nil))
		c.Placed(func(link.Header, link.Payload) bool {
			if got := c.Stats("").BytesRecv; got == 0 {
				t.Error("the bytes are not counted as they are placed")
			}
			return takes
		})(link.Header{Size: 5}, link.Payload{})
	}
	if s := c.Stats(""); s.MessagesRecvd != 4 || s.BytesRecv != 10 {
		t.Errorf("%d messages of %d bytes, want 4 of 10", s.MessagesRecvd, s.BytesRecv)
	}
}
