// Package lang is the language of `darray eval`: expressions over columns, in Go's syntax and with NumPy's names. A script is
// parsed once; Eval makes the nodes of its expressions. Every error marks its place in the text.
package lang

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"strings"

	"github.com/darray-go/darray/array"
)

const (
	maxSource = 1 << 20 // bytes of a script
	maxDepth  = 1000    // of nested expressions; a chain a + b + c nests too
)

// A script is parsed as the body of this function.
const (
	before = "package p; func _() {\n"
	after  = "\n}"
)

// Script is a parsed script: assignments and expressions in order.
type Script struct {
	src        string
	statements []statement
}

// statement is an expression, with the name that it is assigned to if there is one.
type statement struct {
	name string
	expr ast.Expr
}

// Result is one result of a script: the assigned name or the expression's text, and what it stands for.
type Result struct {
	Name string
	Node *array.Node
}

// Parse reads statements separated by semicolons or new lines: `name = expr` or an expression. The error is an *Error.
func Parse(src string) (*Script, error) {
	if len(src) > maxSource {
		return nil, &Error{Kind: "syntax error", Err: fmt.Errorf("%d bytes; at most %d", len(src), maxSource)}
	}
	text, foreign := withFloorDivide(src)
	if foreign >= 0 {
		return nil, &Error{"syntax error", src, foreign, fmt.Errorf("no operator &^; write x & ~y")}
	}
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "", before+text+after, parser.SkipObjectResolution|parser.ParseComments)
	if err != nil {
		return nil, syntaxError(src, err)
	}
	s := &Script{src: src}
	if len(file.Comments) > 0 {
		return nil, s.errorAt(file.Comments[0].Pos(), "there are no comments; // divides and rounds down")
	}
	body, ok := soleBody(file)
	if !ok || s.offset(body.Rbrace) < len(src) {
		return nil, &Error{"syntax error", src, strings.IndexByte(src, '}'), fmt.Errorf("unexpected '}'")}
	}
	for _, st := range body.List {
		if err := s.add(st); err != nil {
			return nil, err
		}
	}
	if len(s.statements) == 0 {
		return nil, &Error{"syntax error", src, len(src), fmt.Errorf("no expression; write one such as sum(x + y)")}
	}
	return s, nil
}

// soleBody is the body of the function that a script was wrapped in; false where the script closed it and went on.
func soleBody(file *ast.File) (*ast.BlockStmt, bool) {
	if len(file.Decls) != 1 {
		return nil, false
	}
	f, ok := file.Decls[0].(*ast.FuncDecl)
	if !ok {
		return nil, false
	}
	return f.Body, true
}

func (s *Script) add(st ast.Stmt) error {
	switch st := st.(type) {
	case *ast.EmptyStmt:
		return nil
	case *ast.ExprStmt:
		return s.addExpr("", st.X)
	case *ast.AssignStmt:
		if st.Tok != token.ASSIGN && st.Tok != token.DEFINE {
			op := strings.TrimSuffix(st.Tok.String(), "=")
			if st.Tok == token.AND_NOT_ASSIGN {
				op = "//"
			}
			return s.errorAt(st.TokPos, "no operator %s=; write x = x %[1]s ...", op)
		}
		if len(st.Lhs) != 1 || len(st.Rhs) != 1 {
			return s.errorAt(st.TokPos, "one name takes one expression; write an assignment for each")
		}
		name, ok := st.Lhs[0].(*ast.Ident)
		if !ok || name.Name == "_" {
			return s.errorAt(st.Lhs[0].Pos(), "only a name can be assigned to")
		}
		if isReserved(name.Name) {
			return s.errorAt(name.Pos(), "%s has a meaning of its own; choose another name", name.Name)
		}
		return s.addExpr(name.Name, st.Rhs[0])
	}
	return s.errorAt(st.Pos(), "a statement is an expression or name = expression; there is nothing else")
}

func (s *Script) addExpr(name string, x ast.Expr) error {
	depth, deepest := 0, token.NoPos
	ast.Inspect(x, func(n ast.Node) bool {
		if n == nil {
			depth--
			return false
		}
		if depth++; depth > maxDepth && !deepest.IsValid() {
			deepest = n.Pos()
		}
		return !deepest.IsValid()
	})
	if deepest.IsValid() {
		return s.errorAt(deepest, "more than %d levels deep; assign parts of it to names", maxDepth)
	}
	s.statements = append(s.statements, statement{name, powers(x)})
	return nil
}

// offset is a position as bytes into the script.
func (s *Script) offset(pos token.Pos) int { return int(pos) - 1 - len(before) } // the only file starts at Pos 1

func (s *Script) errorAt(pos token.Pos, format string, args ...any) error {
	return &Error{"syntax error", s.src, s.offset(pos), fmt.Errorf(format, args...)}
}

// text is the source of an expression.
func (s *Script) text(x ast.Expr) string { return s.src[s.offset(x.Pos()):s.offset(x.End())] }

// syntaxError turns the parser's first complaint into ours.
func syntaxError(src string, err error) error {
	list, ok := err.(scanner.ErrorList)
	if !ok || len(list) == 0 {
		return &Error{"syntax error", src, 0, err}
	}
	at, msg := list[0].Pos.Offset-len(before), list[0].Msg
	if at >= len(src) { // the parser speaks of the end of the function around the script
		at = len(src)
		if what, _, _ := strings.Cut(msg, ","); strings.HasPrefix(what, "expected ") {
			msg = "the text ends too early: " + what
		} else {
			msg = "the text ends too early: something is not closed"
		}
	}
	msg = strings.Replace(msg, "expected ';'", "expected an operator or ';'", 1)
	return &Error{"syntax error", src, at, fmt.Errorf("%s%s", msg, hint(src, min(max(at, 0), len(src))))}
}

const letters = "abcdefghijklmnopqrstuvwxyz"

// callsVar reports whether a text calls a function var, which the parser takes for a declaration.
func callsVar(src string) bool {
	before, _, found := strings.Cut(src, "var(")
	return found && strings.TrimRight(before, letters) == before
}

// hint says what a word of another language is called here, and how a column that is named by a word of Go is written.
func hint(src string, at int) string {
	rest := src[at:]
	word := rest[:len(rest)-len(strings.TrimLeft(rest, letters))]
	switch {
	case callsVar(src[:at]):
		return "; the function is called variance, var being a word of Go"
	case word == "and":
		return "; write &&"
	case word == "or":
		return "; write ||"
	case word == "if":
		return "; write where(condition, a, b)"
	case strings.HasPrefix(rest, "~"):
		return "; write !x, or (~x) for the bits of integers"
	case strings.HasPrefix(rest, "'"):
		return `; names are quoted as in col("air time")`
	}
	if !token.IsKeyword(word) { // a statement of Go fails after its keyword
		left := strings.TrimRight(src[:at], " ")
		word = left[len(strings.TrimRight(left, letters)):]
	}
	if token.IsKeyword(word) {
		return fmt.Sprintf("; a column of that name is col(%q)", word)
	}
	if word == "not" {
		return "; write !"
	}
	return ""
}
