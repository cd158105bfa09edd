package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestFresh holds that the assembly in the tree is what this program gives now.
func TestFresh(t *testing.T) {
	asm, stubs, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]byte{"zstream_amd64.s": asm, "zstream_amd64.go": stubs} {
		got, err := os.ReadFile(filepath.Join("..", "..", "..", "bench", "stream", name))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what the generator gives (%v); run: go generate ./bench/stream", name, err)
		}
	}
}
