// Package shmlink is net/link through shared memory for ranks on one host. It wraps another transport (quiclink) and
// upgrades each of its Conns where both ends run on the same host, as the same user and in the same network namespace.
// Every rank of the job must be wrapped, if only with Config.Disable. It needs Linux; elsewhere every Conn stays inside.
//
// # Who may what
//
// The peers are those that the inner transport has let in. What they may read is what this rank writes for its peers: its
// arena, whole, and the lane of their own conn; they can write to neither, and nobody else on the host can open them,
// since they have no name and are passed by a socket at which one must know a key of the inner session. A peer can change
// its own memory at any time, so a word of it is loaded once and checked before use, a frame is copied out before it is
// decoded, and lengths and offsets are held against what is mapped; it can make its own messages wrong, not this process.
//
// # The words
//
// Each end has a lane, which it alone writes. It begins with words of 64 bits, loaded and stored atomically, and goes on
// with a ring and slots:
//
//	head    its owner, after a record is whole in the ring:   bytes written so far
//	tail    its owner, after records of the peer's ring were copied out or acted upon: bytes read so far
//	read    its owner, when an eager message is finished:     eager bytes finished so far, what EagerCredit is counted by
//	sleep   its owner, odd before it goes to sleep:           wake me, once for each odd value, when you have moved head
//	want    its owner, odd when its ring is full:             wake me, once for each odd value, when you have moved tail
//
// The order is what keeps a wake-up from being lost. The writer stores head and then loads the peer's sleep; the reader
// stores its sleep and then loads the peer's head. Go's atomics are sequentially consistent (the words are stored by
// Swap, since under the race detector Store is not), so at least one of the two sees what the other has stored: the writer
// knocks, or the reader finds the record. The same holds for tail and want.
// A knock is one byte on the socket, which the reader's goroutine waits for without a thread. Who looks at the ring by
// itself (Poll, and whoever waits for a large message) makes sleep even while it looks, so that no knock is sent.
//
// # The messages
//
// A record is a frame (link.Frame, see frames_linux.go for the types), and what follows it, in multiples of 64 bytes. A
// payload of up to link.EagerLimit bytes follows its frame. Of a larger one the frame says where it is to be had:
//
//	lent       it lies in the sender's arena: the receiver copies it from there, or looks at it (link.Message.View)
//	by pieces  the sender copies it to slots of its lane, later to blocks of its arena, the receiver from there, both at a
//	           time; a few pieces before the receiver has asked for them, as long as half of the slots are free
//
// In both cases the receiver says when it is done, and Send returns then. A sender whose context ends says so in its ring
// before it changes a byte. So a receiver that has copied everything, and then finds no such word when it reads the ring to
// its end, has copied what was sent; there is nothing to wait for.
//
// # The end
//
// Memory without a name and an abstract socket go with their processes, however these end. The end of a process ends its
// socket, which the other end hears of at once; it takes in what is still in the ring, which the dead cannot change, and
// then reports link.ErrPeerLost. A process that is there and does nothing is found by the inner conn, which stays open for
// that.
package shmlink
