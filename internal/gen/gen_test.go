package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestFresh holds that the files in the tree are what the op table gives now.
func TestFresh(t *testing.T) {
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files() {
		want, err := generate(f.name, f.text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(root, f.name))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what array/ops.go gives (%v); run: go generate ./array", f.name, err)
		}
	}
}

func TestWords(t *testing.T) {
	for text, want := range map[string]string{
		"x && y":  "x & y",
		"!x || y": "(ones ^ x) | y",
		"x || !y": "x | (ones ^ y)",
		"x == y":  "x ^ ones ^ y",
		"x != y":  "x ^ y",
		"!x":      "(ones ^ x)",
		"x":       "x",
	} {
		if got := words(text); got != want {
			t.Errorf("words(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestOperandsAs(t *testing.T) {
	if got, want := operandsAs("max(x, y)", "a0", "v[0]"), "max(a0, v[0])"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
