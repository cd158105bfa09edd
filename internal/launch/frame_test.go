package launch

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
)

func TestFrames(t *testing.T) {
	var buf bytes.Buffer
	w := &frameWriter{w: &buf}
	sent := []frame{
		{message: message{Kind: "hello", Text: protocol}},
		{message: message{Kind: "job"}, Order: &order{Job: "j", Token: "t", Ranks: 2, Size: 3, First: 1, Argv: []string{"p"}, Dir: "/"}},
		{message: message{Kind: "output"}, Stream: 1, Data: []byte{0, 255, '\n'}},
		{message: message{Kind: "done"}, Outcome: &outcome{Exit: &ExitError{Rank: 1, Stderr: []string{"x"}}}},
	}
	for _, f := range sent {
		if err := w.write(f); err != nil {
			t.Fatal(err)
		}
	}
	r := newFrameReader(&buf)
	for i, want := range sent {
		if got, err := r.next(); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("frame %d: got %+v, %v", i, got, err)
		}
	}
	if _, err := r.next(); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
	if _, err := newFrameReader(strings.NewReader(`{"kind":"x"}`)).next(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut short: %v", err)
	}
	if err := w.write(frame{message: message{Kind: "job", Text: strings.Repeat("x", maxFrame)}}); err == nil {
		t.Error("a frame beyond the limit is written")
	}
}

func TestOrderIsChecked(t *testing.T) {
	good := order{Job: "j", Token: "t", First: 2, Ranks: 2, Size: 4, Argv: []string{"p"}}
	if err := good.check(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*order){
		"no ranks":  func(o *order) { o.Ranks = 0 },
		"many":      func(o *order) { o.Ranks, o.Size = MaxRanks+1, MaxRanks+1 },
		"negative":  func(o *order) { o.First = -1 },
		"beyond":    func(o *order) { o.First = 3 },
		"overflow":  func(o *order) { o.First = 1<<63 - 1 },
		"no token":  func(o *order) { o.Token = "" },
		"no prog":   func(o *order) { o.Argv = nil },
		"bad grace": func(o *order) { o.Grace = -1 },
	} {
		o := good
		change(&o)
		if o.check() == nil {
			t.Errorf("%s: %+v is taken", name, o)
		}
	}
	if (*order)(nil).check() == nil {
		t.Error("no order is taken")
	}
}

func FuzzFrame(f *testing.F) {
	f.Add([]byte(`{"kind":"output","stream":1,"data":"AAAA"}`))
	f.Add([]byte(`{"kind":"job","order":{"job":"j","token":"t","first":0,"ranks":1,"size":1,"argv":["p"],"env":null,"dir":"/"}}`))
	f.Add([]byte(`{"kind":"done","outcome":{"exit":{"Rank":1}}}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		v, err := parseFrame(line)
		if err != nil {
			return
		}
		if v.Kind == "" || len(v.Data) > maxChunk {
			t.Errorf("%+v is taken", v)
		}
		if v.Order.check() == nil && (v.Order.Ranks < 1 || v.Order.First+v.Order.Ranks > v.Order.Size) {
			t.Errorf("order %+v is taken", v.Order)
		}
	})
}
