package lint

import (
	"go/ast"
	"strconv"
	"strings"
)

// imports holds the imports of a file against the layer table, and looks at how they are made.
func (c *checker) imports(s source) {
	layer, ok := c.policy.layer(s.pkg)
	if !ok {
		c.report(s.name, 0, "layer", "no line of policy.txt says what package %s may import; give it one", s.pkg)
	}
	for _, spec := range s.ast.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue // not Go; the compiler says so
		}
		c.form(s, spec, path)
		if path == "unsafe" && !s.test {
			c.reportAt(s, spec, "unsafe", "keep unsafe to the files that policy.txt names")
		}
		if path == "C" {
			c.reportAt(s, spec, "cgo", "the project builds without a C compiler; call C by purego, from cuda")
		}
		if to, outside := c.target(path); outside && ok {
			c.edge(s, spec, layer, to)
		}
	}
}

// form looks for imports that hide where a name comes from or what a package does.
func (c *checker) form(s source, spec *ast.ImportSpec, path string) {
	switch {
	case spec.Name == nil:
	case spec.Name.Name == ".":
		c.reportAt(s, spec, "dot", "import %s by its name", path)
	case spec.Name.Name == "_" && !s.test && path != "embed": // go:embed of a string asks for that one
		c.reportAt(s, spec, "blank", "%s is imported for its init(); call something in it", path)
	}
}

// target returns an import path as policy.txt writes it, and whether it is one that the table rules: not of the
// standard library.
func (c *checker) target(path string) (string, bool) {
	if path == c.module {
		return ".", true
	}
	if ours, ok := strings.CutPrefix(path, c.module+"/"); ok {
		return ours, true
	}
	first, _, _ := strings.Cut(path, "/")
	return path, strings.Contains(first, ".")
}

// edge judges one import of a package of ours or of a third party.
func (c *checker) edge(s source, spec *ast.ImportSpec, layer, to string) {
	for _, never := range c.policy.never {
		if match(never[0], s.pkg) && match(never[1], to) {
			c.reportAt(s, spec, "layer", "%s never imports %s, in tests neither", never[0], never[1])
			return
		}
	}
	switch {
	case match(layer, to), matchAny(c.policy.layers[layer], to), s.test && matchAny(c.policy.tests, to):
	default:
		c.reportAt(s, spec, "layer", "%s may not import %s; see its line in policy.txt", s.pkg, to)
	}
}
