package rendezvous

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func TestNote(t *testing.T) {
	n := Note{Addrs: []string{"10.0.0.1:5", "[fd00::1]:5"}, Token: []byte{0, 1, 255}}
	text, err := n.encode()
	if err != nil || strings.ContainsAny(text, " \n") {
		t.Fatalf("%q, %v", text, err)
	}
	got, err := decodeNote(text)
	if err != nil || !slices.Equal(got.Addrs, n.Addrs) || !bytes.Equal(got.Token, n.Token) {
		t.Errorf("%+v, %v", got, err)
	}
	n.Addrs = slices.Repeat(n.Addrs, 500)
	if text, err := n.encode(); err != nil || len(text) > maxNote {
		t.Errorf("%d bytes, %v", len(text), err)
	}
	if _, err := (Note{Token: make([]byte, 1000)}).encode(); err == nil {
		t.Error("a token of 1000 bytes fits")
	}
	for _, bad := range []string{"", "darray1", "darray2;00", "darray1;0", "darray1;00;h", "darray1;00;;", strings.Repeat("x", 2000)} {
		if n, err := decodeNote(bad); err == nil {
			t.Errorf("%.20q is %+v", bad, n)
		}
	}
}

func FuzzNote(f *testing.F) {
	f.Add("darray1;00ff;10.0.0.1:5;h:1")
	f.Add("darray1;;[::1]:5")
	f.Fuzz(func(t *testing.T, text string) {
		n, err := decodeNote(text)
		if err != nil {
			return
		}
		again, err := n.encode()
		if err != nil {
			t.Fatal(err)
		}
		if m, err := decodeNote(again); err != nil || !slices.Equal(m.Addrs, n.Addrs) || !bytes.Equal(m.Token, n.Token) {
			t.Errorf("%q: %+v then %+v, %v", text, n, m, err)
		}
	})
}

func FuzzPMI(f *testing.F) {
	f.Add("cmd=get_result rc=0 msg=success value=a+b/c=,:;.{}")
	f.Add("cmd=barrier_out")
	f.Fuzz(func(t *testing.T, line string) {
		answer, err := parsePMI(line)
		if err == nil && (answer["cmd"] == "" || strings.ContainsAny(answer["value"], " \n\t")) {
			t.Errorf("%q: %q", line, answer)
		}
	})
}
