package lang

import (
	"go/ast"
	"go/token"
)

// Python's ** and // in Go's syntax. To Go's parser a ** b is a * (*b), so that the tree is put right here: ** binds tighter than the
// sign before it and from right to left, -2**2 being -4 and 2**3**2 being 2**9. // begins a comment, and is parsed as &^,
// which is as long and binds as * does; the language has no &^ of its own.

const (
	power       = token.ELLIPSIS // ** in a binary expression, where Go has no such token
	floorDivide = token.AND_NOT
)

// withFloorDivide is src with &^ for // outside of quotes, and where a &^ of its own stands; -1: nowhere.
func withFloorDivide(src string) (text string, foreign int) {
	out := []byte(src)
	foreign = -1
	for i := 0; i < len(src); i++ {
		switch c := src[i]; {
		case c == '"' || c == '\'' || c == '`':
			for i++; i < len(src) && src[i] != c && (c == '`' || src[i] != '\n'); i++ {
				if src[i] == '\\' && c != '`' {
					i++
				}
			}
		case i+1 == len(src):
		case src[i:i+2] == "//":
			out[i], out[i+1] = '&', '^'
			i++
		case src[i:i+2] == "&^" && foreign < 0:
			foreign = i
		}
	}
	return string(out), foreign
}

// powers puts ** right in all of x.
func powers(x ast.Expr) ast.Expr {
	switch x := x.(type) {
	case *ast.ParenExpr:
		x.X = powers(x.X)
	case *ast.UnaryExpr:
		x.X = powers(x.X)
	case *ast.StarExpr:
		x.X = powers(x.X)
	case *ast.CallExpr:
		for i := range x.Args {
			x.Args[i] = powers(x.Args[i])
		}
	case *ast.BinaryExpr:
		if x.Op.Precedence() != token.MUL.Precedence() {
			x.X, x.Y = powers(x.X), powers(x.Y)
			return x
		}
		return multiplied(x)
	}
	return x
}

// term is an operand of a chain of * and its kin, and the operator before it.
type term struct {
	op  token.Token
	pos token.Pos
	x   ast.Expr
}

// multiplied puts right a chain of operators that bind as * does, which the parser has joined from the left.
func multiplied(x *ast.BinaryExpr) ast.Expr {
	var terms []term // from the last to the first
	var left ast.Expr = x
	for {
		b, ok := left.(*ast.BinaryExpr)
		if !ok || b.Op.Precedence() != token.MUL.Precedence() {
			break
		}
		t := term{b.Op, b.OpPos, b.Y}
		if star, ok := b.Y.(*ast.StarExpr); ok && b.Op == token.MUL && star.Star == b.OpPos+1 {
			t.op, t.x = power, star.X
		}
		t.x = powers(t.x)
		terms = append(terms, t)
		left = b.X
	}
	terms = append(terms, term{x: powers(left)})
	for i := 0; i+1 < len(terms); i++ { // the last ** first
		if t := terms[i]; t.op == power {
			terms[i+1].x = raised(terms[i+1].x, t)
			terms = append(terms[:i], terms[i+1:]...)
			i--
		}
	}
	out := terms[len(terms)-1].x
	for i := len(terms) - 2; i >= 0; i-- {
		out = &ast.BinaryExpr{X: out, OpPos: terms[i].pos, Op: terms[i].op, Y: terms[i].x}
	}
	return out
}

// raised is x ** t.x, under the signs of x.
func raised(x ast.Expr, t term) ast.Expr {
	if sign, ok := x.(*ast.UnaryExpr); ok {
		sign.X = raised(sign.X, t)
		return sign
	}
	return &ast.BinaryExpr{X: x, OpPos: t.pos, Op: power, Y: t.x}
}
