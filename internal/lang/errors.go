package lang

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Error is what is wrong with a script and where. It prints as a message, the line, and a caret under the place.
type Error struct {
	Kind   string // "syntax error", "unknown function", ...; may be empty
	Source string
	Offset int // bytes into Source
	Err    error
}

// Unwrap gives the cause, for errors.Is(err, array.ErrShape) and its kin.
func (e *Error) Unwrap() error { return e.Err }

// Error is the message, then the source line, then the caret.
func (e *Error) Error() string {
	msg := e.Err.Error()
	if e.Kind != "" {
		msg = e.Kind + ": " + msg
	}
	if e.Source == "" {
		return msg
	}
	line, caret := e.place()
	return fmt.Sprintf("%s\n  %s\n  %s", msg, line, caret)
}

// maxWidth is how much of a long line is shown on each side of the place, in characters.
const maxWidth = 60

// place is the line of the offset, clipped around it, and a caret below.
func (e *Error) place() (line, caret string) {
	at := min(max(e.Offset, 0), len(e.Source))
	for at > 0 && at < len(e.Source) && !utf8.RuneStart(e.Source[at]) {
		at--
	}
	start := strings.LastIndexByte(e.Source[:at], '\n') + 1
	left, right := []rune(e.Source[start:at]), []rune(e.Source[at:])
	for i, r := range right {
		if r == '\n' || i == maxWidth {
			right = right[:i]
			break
		}
	}
	if len(left) > maxWidth {
		left = append([]rune("..."), left[len(left)-maxWidth:]...)
	}
	blank := make([]rune, len(left)) // tabs stay, so that the caret stands under its place
	for i, r := range left {
		blank[i] = ' '
		if r == '\t' {
			blank[i] = '\t'
		}
	}
	return string(left) + string(right), string(blank) + "^"
}
