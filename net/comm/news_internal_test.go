package comm

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"github.com/darray-go/darray/net/link"
)

func TestNewsAndDecisionsTravel(t *testing.T) {
	log := []news{
		{err: &RankError{Rank: 3, Cause: link.ErrPeerLost}, lost: true},
		{err: &RankError{Rank: 0, Cause: errors.New("killed")}, lost: true, certain: true},
		{err: &RankError{Rank: 7, Cause: ErrLeft}},
	}
	got, err := decodeNews(encodeNews(log), 8)
	if err != nil || len(got) != len(log) {
		t.Fatalf("%v, %v", got, err)
	}
	for i, n := range got {
		if n.err.Rank != log[i].err.Rank || n.err.Error() != log[i].err.Error() || n.lost != log[i].lost || n.certain != log[i].certain {
			t.Errorf("news %d: got %+v, want %+v", i, n, log[i])
		}
	}
	if !errors.Is(got[0].err, link.ErrPeerLost) || !errors.Is(got[2].err, ErrLeft) {
		t.Error("the sentinels are lost on the way")
	}
	if _, err := decodeNews(encodeNews(log), 7); err == nil {
		t.Error("news of rank 7 of 7")
	}
	for _, members := range [][]int{{0}, {7}, {0, 1, 2, 9}, {3, 1, 2}} {
		d, err := decodeDecision((&decision{context: 77, members: members}).encode(), 10)
		if err != nil || d.context != 77 || !reflect.DeepEqual(d.members, members) {
			t.Errorf("members %v: got %+v, %v", members, d, err)
		}
	}
	d, err := decodeDecision((&decision{err: &RankError{Rank: 2, Cause: errors.New("why")}}).encode(), 3)
	if err != nil || d.err == nil || d.err.Rank != 2 || d.err.Cause.Error() != "why" {
		t.Errorf("a failure: got %+v, %v", d, err)
	}
}

// FuzzNews: what is taken can be passed on, and stays the same.
func FuzzNews(f *testing.F) {
	f.Add(encodeNews([]news{{err: &RankError{Rank: 3, Cause: link.ErrPeerLost}, lost: true}}))
	f.Add(encodeNews([]news{{err: &RankError{Rank: 1, Cause: ErrLeft}}, {err: &RankError{Rank: 2, Cause: ErrDiverged}, lost: true, certain: true}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		log, err := decodeNews(b, 100)
		if err != nil {
			return
		}
		again, err := decodeNews(encodeNews(log), 100)
		if err != nil || len(again) != len(log) {
			t.Fatalf("%d news, again %d: %v", len(log), len(again), err)
		}
	})
}

// FuzzDecision: likewise.
func FuzzDecision(f *testing.F) {
	f.Add((&decision{context: 5, members: []int{1, 2, 3}}).encode())
	f.Add((&decision{context: 5, members: []int{3, 2}}).encode())
	f.Add((&decision{err: &RankError{Rank: 2, Cause: ErrLeft}}).encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := decodeDecision(b, 100)
		if err != nil || d.err != nil {
			return
		}
		again, err := decodeDecision(d.encode(), 100)
		if err != nil || !bytes.Equal(again.encode(), d.encode()) {
			t.Fatalf("%+v, again %+v: %v", d, again, err)
		}
	})
}
