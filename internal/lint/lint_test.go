package lint_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/darray-go/darray/internal/lint"
)

// TestTree holds the whole project against policy.txt.
func TestTree(t *testing.T) {
	text, err := os.ReadFile("policy.txt")
	if err != nil {
		t.Fatal(err)
	}
	policy, err := lint.ReadPolicy(string(text))
	if err != nil {
		t.Fatal(err)
	}
	found, err := lint.Check(filepath.Join("..", ".."), "github.com/darray-go/darray", policy)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		t.Error(f)
	}
}

// policy is the one that the small trees below are held against.
const policy = `
alias arrow example.com/arrow/...
layer low
layer mid/...      low arrow
layer mid/own      arrow
layer mid/own/...  low
layer high         mid/...
layer . low
tests  helper
layer helper
never high  low
except unsafe  low/values.go  views
except env     .              the root reads settings
except sleep   high/bar.go    draws
`

// trees are small modules m in which one rule is broken, or would be but for something that permits it.
var trees = []struct {
	name  string
	files string
	want  []string // each finding in full, but for its text: a piece of that; none for a tree that is good
}{
	{
		"good", `
-- main.go --
// Command m is good.
package main

import "m/low"

func main() { low.F() }
-- low/low.go --
// Package low is good.
package low

import "fmt"

// F prints.
func F() { fmt.Println() }
-- mid/mid.go --
// Package mid is good.
package mid

import (
	"example.com/arrow/array"

	"m/low"
	"m/mid/deep"
)

var _, _, _ = array.A, low.F, deep.D
-- mid/deep/deep.go --
// Package deep is good.
package deep

// D is documented.
var D int
-- mid/mid_test.go --
package mid_test

import (
	"m/helper"
	"m/mid"
)
`, nil,
	},
	{
		"layer upwards", `
-- low/low.go --
// Package low is bad.
package low

import "m/mid"
`, []string{"low/low.go:4: layer: low may not import mid;"},
	},
	{
		"layer root", `
-- mid/mid.go --
// Package mid is bad.
package mid

import "m"
`, []string{"mid/mid.go:4: layer: mid may not import .;"},
	},
	{
		"layer third party", `
-- low/low.go --
// Package low is bad.
package low

import "example.com/arrow"
`, []string{"low/low.go:4: layer: low may not import example.com/arrow;"},
	},
	{
		"layer nearest line counts", `
-- mid/own/own.go --
// Package own is bad.
package own

import "m/low"
-- mid/own/in/in.go --
// Package in is good.
package in

import "m/low"
-- mid/own/in/bad.go --
package in

import "example.com/arrow"
`, []string{
			"mid/own/in/bad.go:3: layer: mid/own/in may not import example.com/arrow;",
			"mid/own/own.go:4: layer: mid/own may not import low;",
		},
	},
	{
		"layer in a file for another system", `
-- low/low.go --
// Package low is good here.
package low
-- low/low_plan9.go --
package low

import "m/mid"
-- low/tagged.go --
//go:build never

package low

import "m/high"
`, []string{
			"low/low_plan9.go:3: layer: low may not import mid;",
			"low/tagged.go:5: layer: low may not import high;",
		},
	},
	{
		"layer helper of tests", `
-- mid/mid.go --
// Package mid is bad.
package mid

import "m/helper"
-- mid/mid_test.go --
package mid

import "m/helper"
`, []string{"mid/mid.go:4: layer: mid may not import helper;"},
	},
	{
		"layer tests up", `
-- low/low_test.go --
package low_test

import "m/mid"
`, []string{"low/low_test.go:3: layer: low may not import mid;"},
	},
	{
		"layer never, in tests neither", `
-- high/high_test.go --
package high_test

import "m/low"
`, []string{"high/high_test.go:3: layer: high never imports low,"},
	},
	{
		"layer without a line", `
-- new/new.go --
// Package new is not in the table.
package new
`, []string{"new/new.go: layer: no line of policy.txt says what package new may import;"},
	},
	{
		"unsafe", `
-- low/values.go --
// Package low may here.
package low

import "unsafe"
-- low/other.go --
package low

import "unsafe"
-- low/low_test.go --
package low

import "unsafe"
`, []string{"low/other.go:3: unsafe: keep unsafe"},
	},
	{
		"cgo", `
-- low/low.go --
// Package low is bad.
package low

import "C"
`, []string{"low/low.go:4: cgo: the project builds without"},
	},
	{
		"dot", `
-- low/low.go --
// Package low is bad.
package low

import . "fmt"
-- low/low_test.go --
package low

import . "fmt"
`, []string{"low/low.go:4: dot: import fmt", "low/low_test.go:3: dot: import fmt"},
	},
	{
		"blank", `
-- low/low.go --
// Package low is bad.
package low

import (
	_ "embed"
	_ "image/png"
)
-- low/low_test.go --
package low

import _ "image/png"
`, []string{"low/low.go:6: blank: image/png is imported"},
	},
	{
		"tls", `
-- low/low_test.go --
package low

import "crypto/tls"

var config = tls.Config{InsecureSkipVerify: true}
`, []string{"low/low_test.go:5: tls: InsecureSkipVerify"},
	},
	{
		"init", `
-- low/low.go --
// Package low is bad.
package low

func init() {}

type t struct{}

func (t) init() {}
`, []string{"low/low.go:4: init: nothing runs"},
	},
	{
		"sleep", `
-- high/bar.go --
// Package high may here.
package high

import "time"

func draw() { time.Sleep(1) }
-- high/high_test.go --
package high

import clock "time"

func wait() { clock.Sleep(1) }

var sleep = clock.Sleep

type time struct{}

func (time) Sleep(int) {}

func other(time time) { time.Sleep(1) }
`, []string{"high/high_test.go:5: sleep: wait for", "high/high_test.go:7: sleep: wait for"},
	},
	{
		"env", `
-- low/low.go --
// Package low is bad.
package low

import "os"

func a() string { return os.Getenv("A") }

func b() (string, bool) { return os.LookupEnv("B") }

func c() error { return os.Setenv("C", "") }
-- low/low_test.go --
package low

import "os"

var d = os.Getenv("D")
`, []string{"low/low.go:6: env: the environment", "low/low.go:8: env: the environment"},
	},
	{
		"doc of the package", `
-- low/a.go --
package low
-- low/b.go --
package low
-- high/high_test.go --
// Package high has tests only.
package high
`, []string{"low: doc: no file says"},
	},
	{
		"doc of names", `
-- low/low.go --
// Package low is bad.
package low

func F() {}

// G has one.
func G() {}

type T struct{}

func (T) M() {}

func (*U[X]) M() {}

// U has one, and the group counts for its only member.
type U[X any] struct{}

type t struct{}

func (t) M() {}

// A comment on a group of types counts for none of them.
type (
	V int
	// W has one.
	W int
)

// A comment on a group of values counts for all.
const (
	A = 1
	B = 2
)

const (
	C = 1 // has one
	D = 2
)

var E int
-- low/low_test.go --
package low

func TestF() {}
`, []string{
			"low/low.go:4: doc: exported F", "low/low.go:9: doc: exported T", "low/low.go:11: doc: exported M",
			"low/low.go:13: doc: exported M", "low/low.go:24: doc: exported V", "low/low.go:37: doc: exported D",
			"low/low.go:40: doc: exported E",
		},
	},
	{
		"length", `
-- low/low.go --
// Package low is bad.
package low
` + strings.Repeat("\n", 499) + `
-- low/just.go --
package low
` + strings.Repeat("\n", 498) + `
-- low/zlong.go --
// Code generated by m; DO NOT EDIT.

package low
` + strings.Repeat("\n", 600) + `
-- low/low_test.go --
package low
` + strings.Repeat("\n", 600), []string{"low/low.go: length: 502 lines, more than 500;"},
	},
	{
		"generated", `
-- low/low.go --
// Code generated by m; DO NOT EDIT.

// Package low is bad.
package low
-- low/zlow.go --
package low
-- low/zgood.go --
// Code generated by m; DO NOT EDIT.

package low
-- low/z_amd64.s --
// nothing says so
-- low/add_amd64.s --
// Code generated by m. DO NOT EDIT.
-- low/zadd_amd64.s --
// Code generated by m. DO NOT EDIT.
`, []string{
			"low/add_amd64.s: generated: is generated;", "low/low.go: generated: is generated;",
			"low/z_amd64.s: generated: begins with z", "low/zlow.go: generated: begins with z",
		},
	},
	{
		"folders apart", `
-- testdata/bad.go --
package bad
-- low/testdata/bad.go --
package bad
-- .hidden/bad.go --
package bad
-- _old/bad.go --
package bad
-- other/go.mod --
module other
-- other/bad.go --
package bad
`, nil,
	},
}

// TestRules shows that each rule finds what it is for: a rule that cannot fail holds nothing.
func TestRules(t *testing.T) {
	for _, tt := range trees {
		t.Run(tt.name, func(t *testing.T) {
			p, err := lint.ReadPolicy(policy)
			if err != nil {
				t.Fatal(err)
			}
			root := t.TempDir()
			if err := txtar.Write(txtar.Parse([]byte(tt.files)), root); err != nil {
				t.Fatal(err)
			}
			found, err := lint.Check(root, "m", p)
			if err != nil {
				t.Fatal(err)
			}
			for i := range max(len(found), len(tt.want)) {
				switch {
				case i >= len(found):
					t.Errorf("not found: %s", tt.want[i])
				case i >= len(tt.want):
					t.Errorf("found, and should not be: %v", found[i])
				case !strings.HasPrefix(found[i].String(), tt.want[i]):
					t.Errorf("found: %v\nwant:  %s", found[i], tt.want[i])
				}
			}
		})
	}
}

func TestCheckCannotRead(t *testing.T) {
	p, err := lint.ReadPolicy(policy)
	if err != nil {
		t.Fatal(err)
	}
	for name, files := range map[string]string{
		"not Go":       "-- low/low.go --\npackage\n",
		"two packages": "-- low/a.go --\npackage a\n-- low/b.go --\npackage b\n",
	} {
		root := t.TempDir()
		if err := txtar.Write(txtar.Parse([]byte(files)), root); err != nil {
			t.Fatal(err)
		}
		if found, err := lint.Check(root, "m", p); err == nil {
			t.Errorf("%s: no error; found %v", name, found)
		}
	}
}

func TestReadPolicyErrors(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"layer a b\n\nlayr c", "policy line 3: no such line: layr c"},
		{"layer", "no such line"},
		{"alias a", "no such line"},
		{"never a", "no such line"},
		{"layer a b\nlayer a c", "a second layer line for a"},
		{"except unsafe a.go  # no reason", "say why a.go need not keep \"unsafe\""},
	} {
		_, err := lint.ReadPolicy(tt.text)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("ReadPolicy(%q): error %v, want one with %q", tt.text, err, tt.want)
		}
	}
}
