package nearest_test

import (
	"testing"

	"github.com/darray-go/darray/internal/nearest"
)

func TestName(t *testing.T) {
	names := []string{"delay", "distance", "time"}
	for _, c := range []struct{ name, want string }{
		{"dleay", "delay"},
		{"Distance", "distance"},
		{"distanse", "distance"},
		{"tim", "time"},
		{"speed", ""},
		{"", ""},
		{"x", ""},
	} {
		if got := nearest.Name(c.name, names); got != c.want {
			t.Errorf("Name(%q) = %q, want %q", c.name, got, c.want)
		}
	}
}
