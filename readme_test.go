package darray_test

import (
	"os"
	"strings"
	"testing"
)

// TestREADME holds the README's code against the body of Example: what people read is what is run.
func TestREADME(t *testing.T) {
	source, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(source), "func Example() {\n")
	body, _, found := strings.Cut(body, "\n\n\t// Output:")
	if !found {
		t.Fatal("example_test.go has no Example with an Output")
	}
	var code strings.Builder
	code.WriteString("```go\n")
	for line := range strings.Lines(body + "\n") {
		code.WriteString(strings.TrimPrefix(line, "\t"))
	}
	code.WriteString("```\n")
	if !strings.Contains(string(readme), code.String()) {
		t.Errorf("the README does not show the body of Example; its code block should be:\n%s", code.String())
	}
}
