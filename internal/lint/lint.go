// Package lint holds the source tree against the project's rules: the layer table of policy.txt and how the code is to
// read. Its test is what runs it. It reads files with go/build, for any operating system and processor at once, and
// not with go list, whose cache hides edits.
package lint

import (
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Finding is one breach of one rule.
type Finding struct {
	File string // from the module's root, with slashes; or a folder
	Line int    // 0 where it is about the whole of it
	Rule string // as named in policy.txt
	Text string // what is wrong and what to do
}

// String returns f as a compiler would print it.
func (f Finding) String() string {
	if f.Line == 0 {
		return fmt.Sprintf("%s: %s: %s", f.File, f.Rule, f.Text)
	}
	return fmt.Sprintf("%s:%d: %s: %s", f.File, f.Line, f.Rule, f.Text)
}

// source is a Go file as the rules see it.
type source struct {
	name string // from the module's root, with slashes
	pkg  string // its folder; "." for the root
	test bool
	fset *token.FileSet
	ast  *ast.File
}

// checker goes through one tree and collects what it finds.
type checker struct {
	root   string // folder of the tree
	module string // its import path
	policy *Policy
	found  []Finding
}

// Check returns every breach of the rules below root, the folder of the module of the given path, sorted by file and
// line. It fails only where it cannot read.
func Check(root, module string, policy *Policy) ([]Finding, error) {
	c := &checker{root: root, module: module, policy: policy}
	err := filepath.WalkDir(root, func(dir string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		if dir != root && isApart(dir, entry.Name()) {
			return filepath.SkipDir
		}
		return c.folder(dir)
	})
	slices.SortStableFunc(c.found, func(a, b Finding) int {
		if a.File != b.File {
			return strings.Compare(a.File, b.File)
		}
		return a.Line - b.Line
	})
	return c.found, err
}

// isApart reports whether a folder is no part of the module: one that the go command skips, or another module.
func isApart(dir, name string) bool {
	if name == "testdata" || name == "vendor" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
		return true
	}
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

// folder checks the package in one folder, if there is one.
func (c *checker) folder(dir string) error {
	ctxt := build.Default
	ctxt.UseAllFiles, ctxt.CgoEnabled = true, true // whatever they are built for
	p, err := ctxt.ImportDir(dir, 0)
	if none := new(build.NoGoError); errors.As(err, &none) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("package in %s: %w", dir, err)
	}
	pkg, err := filepath.Rel(c.root, dir)
	if err != nil {
		return err
	}
	pkg = filepath.ToSlash(pkg)
	var all []source
	for _, name := range slices.Concat(p.GoFiles, p.CgoFiles, p.TestGoFiles, p.XTestGoFiles) {
		fset := token.NewFileSet()
		tree, err := parser.ParseFile(fset, filepath.Join(dir, name), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		all = append(all, source{
			name: join(pkg, name), pkg: pkg, test: strings.HasSuffix(name, "_test.go"), fset: fset, ast: tree,
		})
	}
	for _, s := range all {
		c.imports(s)
		c.words(s)
		c.length(s)
		c.generated(s.name, ast.IsGenerated(s.ast))
		c.exportedDocs(s)
	}
	for _, name := range p.SFiles {
		if err := c.assembly(dir, join(pkg, name)); err != nil {
			return err
		}
	}
	c.packageDoc(pkg, all)
	return nil
}

// join is path.Join, but that a file of the root has no folder before its name.
func join(pkg, name string) string {
	if pkg == "." {
		return name
	}
	return pkg + "/" + name
}

func (c *checker) report(file string, line int, rule, format string, args ...any) {
	if !c.policy.excepts(rule, file) {
		c.found = append(c.found, Finding{File: file, Line: line, Rule: rule, Text: fmt.Sprintf(format, args...)})
	}
}

// reportAt is report for a place in a file.
func (c *checker) reportAt(s source, node ast.Node, rule, format string, args ...any) {
	c.report(s.name, s.fset.Position(node.Pos()).Line, rule, format, args...)
}
