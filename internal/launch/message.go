package launch

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/darray-go/darray/net/comm"
)

// message is one line of JSON between a rank and the agent. The agent speaks first:
//
//	agent  challenge nonce
//	rank   join rank pid nonce proof    proof: the rank knows the token; its nonce challenges the agent in turn
//	agent  welcome size proof, or refused text
//	rank   listen addr                  rank 0, once it listens
//	agent  root addr                    to every rank, as soon as it is known
//	agent  lost rank text               a rank's process ended before it left
//	rank   blame rank                   which rank is at fault for the end of this one
//	agent  ended rank                   to who blames it: its process has ended, and all it wrote was read
//	agent  where nonce                  where is this rank?
//	rank   here nonce at, or text       the answer
//	rank   leave                        what ends now ends as it should
//
// Another process of this user answers the challenge with top, and is told where the ranks are: job pid size text, for
// each rank a row rank pid addr at, or text, and end.
type message struct {
	Kind  string `json:"kind"`
	Rank  int    `json:"rank,omitempty"`
	Size  int    `json:"size,omitempty"`
	PID   int    `json:"pid,omitempty"`
	Nonce string `json:"nonce,omitempty"`
	Proof string `json:"proof,omitempty"`
	Addr  string `json:"addr,omitempty"`
	Text  string `json:"text,omitempty"`

	At []comm.Position `json:"at,omitempty"`
}

// maxMessage bounds a line in bytes.
const maxMessage = 4096

func writeMessage(w io.Writer, m message) error {
	line, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if len(line) >= maxMessage {
		return fmt.Errorf("%s message of %d bytes; at most %d", m.Kind, len(line), maxMessage)
	}
	_, err = w.Write(append(line, '\n'))
	return err
}

// messages reads the lines of a connection.
type messages struct{ r *bufio.Reader }

func newMessages(r io.Reader) messages { return messages{bufio.NewReaderSize(r, maxMessage)} }

// next reads one message; io.EOF where the other side has closed between two.
func (m messages) next() (message, error) {
	line, err := m.r.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return message{}, fmt.Errorf("a message of more than %d bytes", maxMessage)
	case errors.Is(err, io.EOF) && len(line) > 0:
		return message{}, io.ErrUnexpectedEOF
	case err != nil:
		return message{}, err
	}
	var msg message
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&msg); err != nil {
		return message{}, fmt.Errorf("malformed message: %w", err)
	}
	return msg, nil
}

// prove is what only a holder of the token can answer to a nonce. The role keeps an answer from being sent back as one's own.
func prove(token, role, nonce string, rank int) string {
	mac := hmac.New(sha256.New, []byte(token))
	fmt.Fprintf(mac, "darray agent %s %d %s", role, rank, nonce)
	return hex.EncodeToString(mac.Sum(nil))
}

func proves(proof, token, role, nonce string, rank int) bool {
	return hmac.Equal([]byte(proof), []byte(prove(token, role, nonce, rank)))
}
