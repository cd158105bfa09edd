package sim

import (
	"fmt"
	"strconv"
	"strings"
)

// Limits of a text, far above what compilers write, so that a hostile one is refused before it takes memory.
const (
	maxText       = 4 << 20 // bytes
	maxStatements = 1 << 18 // in a module, and in a kernel with its calls expanded
	maxRegisters  = 1 << 16 // of a kernel that are used
	maxNames      = 1 << 16 // declared in a module
	maxVariable   = 1 << 26 // bytes of a module's variables
	maxDepth      = 16      // nested scopes, and calls
	maxSharedVars = 1 << 10 // in sight of a kernel
)

// SyntaxError is what Parse does not understand, with the line it stands in.
type SyntaxError struct {
	Line   int    // counted from 1
	Text   string // of the line, shortened
	Reason string
}

// Error names the line and what is wrong with it.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("ptx: line %d: %s: %q", e.Line, e.Reason, e.Text)
}

type tokenKind uint8

const (
	end    tokenKind = iota
	word             // identifier, with $ _ %
	number           // literal
	quoted           // string
	mark             // one character
)

type token struct {
	kind tokenKind
	text string
	line int
}

func (t token) is(s string) bool { return (t.kind == mark || t.kind == word) && t.text == s }

func letter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '$' || c == '%'
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// lex cuts a text into tokens, without its comments.
func lex(text string) ([]token, error) {
	tokens := make([]token, 0, len(text)/8+16)
	line := 1
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == '\n':
			line++
			i++
		case c == ' ' || c == '\t' || c == '\r':
			i++
		case strings.HasPrefix(text[i:], "//"):
			for i < len(text) && text[i] != '\n' {
				i++
			}
		case strings.HasPrefix(text[i:], "/*"):
			n := strings.Index(text[i+2:], "*/")
			if n < 0 {
				return nil, &SyntaxError{Line: line, Reason: "comment without end"}
			}
			line += strings.Count(text[i:i+2+n], "\n")
			i += n + 4
		case c == '"':
			n := strings.IndexAny(text[i+1:], "\"\n")
			if n < 0 || text[i+1+n] == '\n' {
				return nil, &SyntaxError{Line: line, Reason: "string without end"}
			}
			tokens = append(tokens, token{quoted, text[i+1 : i+1+n], line})
			i += n + 2
		case letter(c):
			j := i + 1
			for j < len(text) && (letter(text[j]) || digit(text[j])) {
				j++
			}
			tokens = append(tokens, token{word, text[i:j], line})
			i = j
		case digit(c):
			j := lexNumber(text, i)
			tokens = append(tokens, token{number, text[i:j], line})
			i = j
		case strings.IndexByte(".,;:()[]{}<>@!|+-=*", c) >= 0:
			tokens = append(tokens, token{mark, text[i : i+1], line})
			i++
		default:
			return nil, &SyntaxError{Line: line, Reason: fmt.Sprintf("character %q", c)}
		}
	}
	return append(tokens, token{end, "", line}), nil
}

// lexNumber returns where the literal at i ends: digits and letters, and for a decimal a point with digits, and an exponent.
func lexNumber(text string, i int) int {
	j := i
	for j < len(text) && (letter(text[j]) || digit(text[j])) {
		j++
	}
	if len(text) > i+1 && text[i] == '0' && letter(text[i+1]) {
		return j
	}
	if j+1 < len(text) && text[j] == '.' && digit(text[j+1]) {
		j++
		for j < len(text) && (letter(text[j]) || digit(text[j])) {
			j++
		}
	}
	if j < len(text) && (text[j] == '+' || text[j] == '-') && (text[j-1] == 'e' || text[j-1] == 'E') {
		j++
		for j < len(text) && digit(text[j]) {
			j++
		}
	}
	return j
}

type literalKind uint8

const (
	integerLiteral literalKind = iota
	floatLiteral               // 0f: the bits of a float32
	doubleLiteral              // 0d or decimal: the bits of a float64
)

// literal reads a number: an integer in any base, 0f and 0d with the bits of a float, or a decimal.
func literal(s string) (uint64, literalKind, bool) {
	low := strings.ToLower(s)
	switch {
	case strings.HasPrefix(low, "0f"):
		v, err := strconv.ParseUint(low[2:], 16, 32)
		return v, floatLiteral, err == nil && len(low) == 10
	case strings.HasPrefix(low, "0d"):
		v, err := strconv.ParseUint(low[2:], 16, 64)
		return v, doubleLiteral, err == nil && len(low) == 18
	case strings.Contains(low, "_"):
		return 0, 0, false
	case strings.ContainsAny(low, ".") || !strings.HasPrefix(low, "0x") && strings.Contains(low, "e"):
		return decimal(low)
	}
	if !strings.HasPrefix(low, "0b") {
		low = strings.TrimSuffix(low, "u")
	}
	if low[0] == '0' && len(low) > 1 && digit(low[1]) { // octal
		low = "0o" + low[1:]
	}
	v, err := strconv.ParseUint(low, 0, 64)
	return v, integerLiteral, err == nil
}
