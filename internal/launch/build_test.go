package launch

import (
	"os"
	"strings"
	"testing"
)

func TestBuildID(t *testing.T) {
	id := BuildID()
	if id == "" || id != BuildID() || strings.ContainsAny(id, "\x00\n") {
		t.Errorf("got %q", id)
	}
	// A file without the linker's note has none; its hash stands in.
	f, err := os.Open("build.go")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got := noteID(f); got != "" {
		t.Errorf("a text has the build id %q", got)
	}
}
