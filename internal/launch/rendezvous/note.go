package rendezvous

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strings"
)

// Note is what rank 0 leaves for the other ranks in a place that is theirs alone.
type Note struct {
	Addrs []string // host:port, all of which may lead to rank 0; the likeliest first
	Token []byte   // the job's secret; nil where the others have it already
}

// A note is one line of text without blanks: "darray1;TOKEN in hex;ADDR;ADDR...", so that it fits a launcher's store.
const (
	noteMagic = "darray1"
	maxNote   = 1000 // bytes; hydra and Slurm keep values of 1024
	maxAddr   = 256
	maxToken  = 256
)

// encode leaves out the last addresses where there are more than fit.
func (n Note) encode() (string, error) {
	text := noteMagic + ";" + hex.EncodeToString(n.Token)
	if len(text) > maxNote {
		return "", fmt.Errorf("a token of %d bytes is too long to be passed on", len(n.Token))
	}
	for _, a := range n.Addrs {
		if len(text)+1+len(a) > maxNote {
			break
		}
		text += ";" + a
	}
	return text, nil
}

func decodeNote(text string) (Note, error) {
	if len(text) > maxNote {
		return Note{}, fmt.Errorf("rank 0's note is longer than %d bytes", maxNote)
	}
	fields := strings.Split(text, ";")
	if fields[0] != noteMagic || len(fields) < 2 {
		return Note{}, errors.New("what is there is no note of rank 0; is it the same version of darray everywhere?")
	}
	token, err := hex.DecodeString(fields[1])
	if err != nil || len(token) > maxToken {
		return Note{}, errors.New("rank 0's note has no well-formed token")
	}
	n := Note{Addrs: fields[2:]}
	if len(token) > 0 {
		n.Token = token
	}
	for _, a := range n.Addrs {
		if _, _, err := net.SplitHostPort(a); err != nil || len(a) > maxAddr {
			return Note{}, fmt.Errorf("rank 0's note has %q for an address", a[:min(len(a), maxAddr)])
		}
	}
	return n, nil
}
