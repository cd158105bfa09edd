package rendezvous

import (
	"bytes"
	"strings"
	"testing"
)

func TestSealedForOneRank(t *testing.T) {
	root, rootPublic, err := newKey()
	if err != nil {
		t.Fatal(err)
	}
	rank, rankPublic, err := newKey()
	if err != nil {
		t.Fatal(err)
	}
	token := []byte("a token of enough bytes")
	sealed, err := seal(root, rankPublic, "job", 3, token)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := unseal(rank, rootPublic, "job", 3, sealed); err != nil || !bytes.Equal(got, token) {
		t.Errorf("got %q, %v", got, err)
	}
	other, otherPublic, err := newKey()
	if err != nil {
		t.Fatal(err)
	}
	for name, open := range map[string]func() ([]byte, error){
		"another rank": func() ([]byte, error) { return unseal(rank, rootPublic, "job", 2, sealed) },
		"another job":  func() ([]byte, error) { return unseal(rank, rootPublic, "other", 3, sealed) },
		"another key":  func() ([]byte, error) { return unseal(other, rootPublic, "job", 3, sealed) },
		"another root": func() ([]byte, error) { return unseal(rank, otherPublic, "job", 3, sealed) },
		"changed":      func() ([]byte, error) { return unseal(rank, rootPublic, "job", 3, "00"+sealed[2:]+"00") },
		"too long":     func() ([]byte, error) { return unseal(rank, rootPublic, "job", 3, strings.Repeat("00", 1000)) },
		"no hex":       func() ([]byte, error) { return unseal(rank, rootPublic, "job", 3, "x") },
		"short key":    func() ([]byte, error) { return unseal(rank, "00", "job", 3, sealed) },
		"zero key":     func() ([]byte, error) { return unseal(rank, strings.Repeat("00", 32), "job", 3, sealed) },
	} {
		if got, err := open(); err == nil {
			t.Errorf("%s opens it: %q", name, got)
		}
	}
}
