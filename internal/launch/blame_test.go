package launch

import (
	"slices"
	"strings"
	"testing"

	"github.com/darray-go/darray/internal/leak"
)

func TestCulprit(t *testing.T) {
	leak.Check(t)
	s := server(t, 6)
	for rank, blamed := range map[int]int{0: 1, 1: 2, 2: 2, 3: 4, 4: 3} {
		s.blames[rank] = blamed
	}
	var got []int
	for rank := range 6 {
		got = append(got, s.culprit(rank))
	}
	if want := []int{2, 2, 2, 3, 4, 5}; !slices.Equal(got, want) {
		t.Errorf("at fault are %v, want %v", got, want)
	}
}

// A rank that blames another lets it end first.
func TestBlameWaits(t *testing.T) {
	leak.Check(t)
	s := server(t, 3)
	agents := []*Agent{connect(t, s, 0), connect(t, s, 1), connect(t, s, 2)}
	agents[2].Blame(2, 2)
	done := make(chan bool)
	for _, r := range []int{0, 1} {
		go func() {
			agents[r].Blame(r, 2)
			done <- true
		}()
	}
	select {
	case <-done:
		t.Error("a rank did not wait for the one that it blames")
	default:
	}
	s.hasEnded(2)
	<-done
	<-done
	agents[1].Blame(1, 2) // it is known by now
}

// The line that says why a rank died is told although a stack of many lines follows it.
func TestTailKeepsTheCause(t *testing.T) {
	stack := strings.Repeat("main.f()\n\tmain.go:1\n", 8)
	for _, c := range []struct{ name, text, first string }{
		{"Go's panic", "at work\npanic: index out of range\n\ngoroutine 1 [running]:\n" + stack, "panic: index out of range"},
		{"a rank's", "2026/01/01 rank 2: panic: nil\n" + stack, "2026/01/01 rank 2: panic: nil"},
		{"a fatal error", "fatal error: all goroutines are asleep - deadlock!\n" + stack, "fatal error: all goroutines are asleep - deadlock!"},
		{"none", stack, "main.f()"},
	} {
		var whole, bytewise tail
		whole.add([]byte(c.text))
		for i := range c.text {
			bytewise.add([]byte(c.text[i : i+1]))
		}
		lines := whole.strings()
		if lines[0] != c.first || lines[len(lines)-1] != "\tmain.go:1" || len(lines) > tailLines+2 {
			t.Errorf("%s: %q", c.name, lines)
		}
		if !slices.Equal(lines, bytewise.strings()) {
			t.Errorf("%s, byte by byte: %q, want %q", c.name, bytewise.strings(), lines)
		}
	}
}
