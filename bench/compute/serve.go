package compute

import (
	"io"

	"github.com/darray-go/darray/bench/talk"
)

// Serve is a contender of this executable, darray, STREAM or a GPU's copies: it answers the questions on in until they end.
func Serve(in io.Reader, out io.Writer, o ServeOptions) error {
	p, about, err := newPlayer(o)
	if err != nil {
		return err
	}
	return talk.Serve(in, out, about, p)
}

// ServeOptions say which contender it is.
type ServeOptions struct {
	Stream  bool   // STREAM instead of darray
	Past    bool   // STREAM stores past the caches
	Threads int    // of STREAM; darray has GOMAXPROCS
	Device  string // "cuda" or "sim": darray on a GPU
	Copy    bool   // the copies of that GPU instead of darray
}

func newPlayer(o ServeOptions) (talk.Player, string, error) {
	switch {
	case o.Stream:
		return newLimit(o)
	case o.Copy:
		return newCopies(o.Device)
	case o.Device != "":
		return newCard(o.Device)
	}
	return newEngine()
}
