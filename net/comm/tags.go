package comm

// Values of link.Header.Kind. Messages of different kinds never match each other's receives.
const (
	kindUser       uint8 = iota + 1 // Send and Recv
	kindParcel                      // SendParcel and RecvParcel
	kindCall                        // part of a collective
	kindControl                     // between the Comms themselves, see control.go
	kindUserParcel                  // SendUserParcel and RecvUserParcel
)

// AnySource and AnyTag match every source and every tag of a receive.
const (
	AnySource = -1
	AnyTag    = -1
)

// Tags inside a collective; they name the phase that a message belongs to. User tags are never negative.
const (
	tagDown   int32 = -2 - iota // from the root towards the leaves
	tagUp                       // from the leaves towards the root
	tagDirect                   // between a rank and the root, past the tree
	tagRing                     // around the ring
	tagPiece                    // a contribution to the piece that the receiver reduces
	tagRound                    // tagRound-i is round i of a doubling pattern; keep it the last
)
