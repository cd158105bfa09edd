package lint

import (
	"go/ast"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// maxLines is the longest that a file written by hand may be. The aim is 400; this is where it is too much.
const maxLines = 500

func (c *checker) length(s source) {
	lines := s.fset.File(s.ast.FileStart).LineCount()
	if lines > maxLines && !s.test && !isGeneratedName(s.name) {
		c.report(s.name, 0, "length", "%d lines, more than %d; two ideas are in it, give each its file", lines, maxLines)
	}
}

func isGeneratedName(name string) bool { return strings.HasPrefix(path.Base(name), "z") }

// generated holds that exactly the generated files have a name that begins with z, so that a reader can leave them out.
func (c *checker) generated(name string, says bool) {
	switch {
	case says && !isGeneratedName(name):
		c.report(name, 0, "generated", "is generated; let its name begin with z")
	case !says && isGeneratedName(name):
		c.report(name, 0, "generated", `begins with z as generated files do, and has no "Code generated ... DO NOT EDIT." line`)
	}
}

// assembly is generated for a file that go/ast does not read.
func (c *checker) assembly(dir, name string) error {
	text, err := os.ReadFile(filepath.Join(dir, path.Base(name)))
	if err != nil {
		return err
	}
	mark := regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)
	c.generated(name, mark.Match(text))
	return nil
}

// packageDoc holds that one file of a package says what it is for.
func (c *checker) packageDoc(pkg string, files []source) {
	only := true // tests
	for _, s := range files {
		if s.test {
			continue
		}
		only = false
		if s.ast.Doc != nil && strings.TrimSpace(s.ast.Doc.Text()) != "" {
			return
		}
	}
	if !only {
		c.report(pkg, 0, "doc", "no file says what the package is for; write a package comment")
	}
}

// exportedDocs holds that every exported name of a file has a comment; one for a group of constants or variables does
// for all of them. Fields and methods of interfaces are left to judgement.
func (c *checker) exportedDocs(s source) {
	if s.test {
		return
	}
	for _, decl := range s.ast.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && isExportedReceiver(d) && d.Doc == nil {
				c.undocumented(s, d.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				c.specDocs(s, d, spec)
			}
		}
	}
}

func (c *checker) specDocs(s source, group *ast.GenDecl, spec ast.Spec) {
	switch sp := spec.(type) {
	case *ast.TypeSpec:
		if sp.Name.IsExported() && sp.Doc == nil && (group.Doc == nil || group.Lparen.IsValid()) {
			c.undocumented(s, sp.Name)
		}
	case *ast.ValueSpec:
		for _, name := range sp.Names {
			if name.IsExported() && sp.Doc == nil && sp.Comment == nil && group.Doc == nil {
				c.undocumented(s, name)
			}
		}
	}
}

func (c *checker) undocumented(s source, name *ast.Ident) {
	c.reportAt(s, name, "doc", "exported %s has no comment above it; say in a line or two what a caller has to know", name.Name)
}

// isExportedReceiver reports whether a function is none's method or that of an exported type.
func isExportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return true
	}
	t := d.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr: // a generic type with one parameter
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return true
		}
	}
}
