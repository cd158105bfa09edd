package comm

import "github.com/darray-go/darray/net/link"

// Which algorithm a collective uses depends on its bytes and the number of ranks only, where both are known to all
// ranks; so they choose alike, and the same call takes the same way each time. The limits come from the model with
// L = 50 us, o = 25 us, B = 1 GB/s, and stand for a network; inside a process either choice is fast.
const (
	// inline is the largest share of a rank that rides along in a tree message; a larger one goes between the
	// rank and the root (or around the ring) without being copied on the way.
	inline = 4 << 10
	// flatRanks is up to how many ranks the root deals with each one itself.
	flatRanks = 8
	// bcastWhole is up to how many bytes a tree of whole messages beats scattering and collecting pieces.
	bcastWhole = 1 << 20
	// bcastPiece is the least piece per rank that is worth its own message.
	bcastPiece = 64 << 10
	// reduceWhole is up to how many bytes a reduction moves and combines whole vectors.
	reduceWhole = 64 << 10
)

type algorithm int

const (
	flat algorithm = iota
	binomial
	doubling
	pieces
)

// choose returns the algorithm for op over p ranks with so many bytes a rank; 0 bytes where they differ between ranks.
func choose(op opcode, bytes, p int) algorithm {
	switch op {
	case opScatter, opGather:
		if p <= flatRanks {
			return flat
		}
		return binomial
	case opBcast:
		if p > 2 && bytes >= bcastWhole && bytes/p >= bcastPiece {
			return pieces
		}
		return binomial
	case opReduce:
		if bytes > reduceWhole {
			return pieces
		}
		return binomial
	case opAllreduce:
		switch {
		case bytes > reduceWhole:
			return pieces
		case p&(p-1) == 0:
			return doubling
		default:
			return binomial
		}
	default: // barrier and allgather have one each
		return doubling
	}
}

// small reports whether messages of so many bytes are sent without waiting for their receiver.
func small(bytes int) bool { return bytes <= link.EagerLimit }
