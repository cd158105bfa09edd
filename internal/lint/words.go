package lint

import (
	"go/ast"
	"slices"
	"strconv"
	"strings"
)

// words looks for names that may not stand in the code, or only in some files.
func (c *checker) words(s source) {
	ast.Inspect(s.ast, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.Ident:
			if n.Name == "InsecureSkipVerify" {
				c.reportAt(s, n, "tls", "InsecureSkipVerify takes any peer for the right one; verify it")
			}
		case *ast.FuncDecl:
			if n.Recv == nil && n.Name.Name == "init" {
				c.reportAt(s, n, "init", "nothing runs by being imported; make it an explicit call or a composite literal")
			}
		case *ast.SelectorExpr:
			c.call(s, n)
		}
		return true
	})
}

// call looks at one pkg.Name.
func (c *checker) call(s source, sel *ast.SelectorExpr) {
	switch {
	case isOf(s, sel, "time", "Sleep"):
		c.reportAt(s, sel, "sleep", "wait for what you wait for, not for time to pass; tests have testing/synctest")
	case !s.test && isOf(s, sel, "os", "Getenv", "LookupEnv", "Environ", "ExpandEnv"),
		!s.test && isOf(s, sel, "syscall", "Getenv", "Environ"):
		c.reportAt(s, sel, "env", "the environment is read in config.go only; take the value as an argument")
	}
}

// isOf reports whether sel is one of the names of the package with the given import path, whatever the file calls it.
func isOf(s source, sel *ast.SelectorExpr, path string, names ...string) bool {
	id, ok := sel.X.(*ast.Ident)
	if !ok || !slices.Contains(names, sel.Sel.Name) {
		return false
	}
	for _, spec := range s.ast.Imports {
		if imported, err := strconv.Unquote(spec.Path.Value); err != nil || imported != path {
			continue
		}
		local := path[strings.LastIndex(path, "/")+1:]
		if spec.Name != nil {
			local = spec.Name.Name
		}
		if id.Name == local {
			return true
		}
	}
	return false
}
