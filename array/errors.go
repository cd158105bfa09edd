package array

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
)

// Errors that callers branch on, always wrapped with the operation and the caller's file:line.
var (
	ErrShape = errors.New("shape mismatch")
	ErrDType = errors.New("wrong element type")
	ErrGraph = errors.New("malformed graph")
	ErrNull  = errors.New("null value")
	// ErrPending is a graph with a filter that has not been run: see Masks and Resolve.
	ErrPending = errors.New("a filter has not been run")

	// ErrDivide is an integer divided by 0: by floor_divide, remainder or fmod.
	ErrDivide = errors.New("integer division by zero")
	// ErrNegativePower is an integer raised to a negative integer power.
	ErrNegativePower = errors.New("integer to a negative power")
)

// at appends the caller's file:line to a building error; pc 0 leaves it as it is.
func at(pc uintptr, err error) error {
	if where := Position(pc); where != "" {
		return fmt.Errorf("%w (%s)", err, where)
	}
	return err
}

// Position turns a program counter as runtime.Callers gives it into "file.go:12"; "" for 0.
func Position(pc uintptr) string {
	if pc == 0 {
		return ""
	}
	frame, _ := runtime.CallersFrames([]uintptr{pc}).Next()
	if frame.File == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d", filepath.Base(frame.File), frame.Line)
}
