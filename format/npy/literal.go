package npy

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// literal reads the Python literals that headers are made of: strings, whole numbers, True and False, and the punctuation between.
type literal struct {
	text string
	at   int
	base int // where the text begins in the file
}

// errorf is an error that names the place.
func (l *literal) errorf(what string, args ...any) error {
	return fmt.Errorf("header, byte %d: %s", l.base+l.at, fmt.Sprintf(what, args...))
}

// space skips what may stand between tokens.
func (l *literal) space() {
	for l.at < len(l.text) && strings.IndexByte(" \t\r\n", l.text[l.at]) >= 0 {
		l.at++
	}
}

// next is the next character that is no space; 0 at the end.
func (l *literal) next() byte {
	if l.space(); l.at < len(l.text) {
		return l.text[l.at]
	}
	return 0
}

// accept takes a character if it is next.
func (l *literal) accept(c byte) bool {
	if l.next() != c {
		return false
	}
	l.at++
	return true
}

// expect takes a character that must be next.
func (l *literal) expect(c byte) error {
	if l.accept(c) {
		return nil
	}
	if l.at == len(l.text) {
		return l.errorf("ends where a %q belongs", c)
	}
	return l.errorf("%q where a %q belongs", l.text[l.at], c)
}

// items reads elements up to the closing bracket, with commas between and perhaps after them. each is called before an element.
func (l *literal) items(closing byte, each func() error) (trailing bool, err error) {
	for {
		if l.accept(closing) {
			return trailing, nil
		}
		if err := each(); err != nil {
			return false, err
		}
		if trailing = l.accept(','); !trailing {
			return false, l.expect(closing)
		}
	}
}

// truth reads True or False.
func (l *literal) truth() (bool, error) {
	l.space()
	for _, word := range []string{"True", "False"} {
		if strings.HasPrefix(l.text[l.at:], word) {
			l.at += len(word)
			return word == "True", nil
		}
	}
	return false, l.errorf("neither True nor False")
}

// number reads a whole number that is not negative; the L of old files may follow.
func (l *literal) number() (int, error) {
	if l.next() == '-' {
		return 0, l.errorf("a negative number")
	}
	start := l.at
	for l.at < len(l.text) && '0' <= l.text[l.at] && l.text[l.at] <= '9' {
		l.at++
	}
	digits := l.text[start:l.at]
	n, err := strconv.Atoi(digits)
	if err != nil {
		l.at = start
		if digits == "" {
			return 0, l.errorf("no number")
		}
		return 0, l.errorf("the number %.40s is too large", digits)
	}
	if l.at < len(l.text) && l.text[l.at] == 'L' {
		l.at++
	}
	return n, nil
}

// numbers reads a tuple of numbers: (), (3,), (3, 4). A number in parentheses alone is no tuple.
func (l *literal) numbers() ([]int, error) {
	if err := l.expect('('); err != nil {
		return nil, err
	}
	var out []int
	trailing, err := l.items(')', func() error {
		if len(out) == maxAxes {
			return l.errorf("more than %d axes", maxAxes)
		}
		n, err := l.number()
		out = append(out, n)
		return err
	})
	if err == nil && len(out) == 1 && !trailing {
		err = l.errorf("a number in parentheses is no shape; (%d,) is one", out[0])
	}
	return out, err
}

// escapes are the characters behind a backslash that stand for one, as Python prints them.
var escapes = map[byte]byte{'\\': '\\', '\'': '\'', '"': '"', 'n': '\n', 'r': '\r', 't': '\t'}

// codes are the escapes with a number, and its digits.
var codes = map[byte]int{'x': 2, 'u': 4, 'U': 8}

// str reads a string in single or double quotes.
func (l *literal) str() (string, error) {
	quote := l.next()
	if quote != '\'' && quote != '"' {
		return "", l.errorf("no string")
	}
	start := l.at
	l.at++
	var out strings.Builder
	for l.at < len(l.text) {
		c := l.text[l.at]
		switch {
		case c == quote:
			l.at++
			return out.String(), nil
		case c == '\n':
			return "", l.errorf("a line ends in a string")
		case c == '\\':
			if err := l.escape(&out); err != nil {
				return "", err
			}
		default:
			out.WriteByte(c)
			l.at++
		}
	}
	l.at = start
	return "", l.errorf("a string does not end")
}

// escape reads what a backslash begins.
func (l *literal) escape(out *strings.Builder) error {
	rest := l.text[l.at+1:]
	if rest == "" {
		return l.errorf("a string does not end")
	}
	if c, ok := escapes[rest[0]]; ok {
		out.WriteByte(c)
		l.at += 2
		return nil
	}
	digits := codes[rest[0]]
	if digits == 0 || len(rest) <= digits {
		return l.errorf("an unknown escape in a string")
	}
	r, err := strconv.ParseUint(rest[1:1+digits], 16, 32)
	if err != nil || !utf8.ValidRune(rune(r)) {
		return l.errorf("an escape that is no character")
	}
	out.WriteRune(rune(r))
	l.at += 2 + digits
	return nil
}
