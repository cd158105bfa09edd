package comm

import (
	"fmt"
	"math"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync/atomic"
)

// site is a place in the program: the distance of its program counter from that of a function of this package, plus 1.
// All ranks run the same build, so that it means the same place on each of them. 0 is unknown.
type site int32

// anchor is what sites are counted from.
var anchor = int64(reflect.ValueOf(dtypeName).Pointer())

// siteAt is the site of a program counter, unknown where the program is too large for one.
func siteAt(pc uintptr) site {
	d := int64(pc) - anchor + 1
	if d < math.MinInt32 || d > math.MaxInt32 {
		return 0
	}
	return site(d)
}

func (s site) pc() uintptr { return uintptr(int64(s-1) + anchor) }

// here returns the place in the program that called into this module, and the one that called into this package where the
// whole stack is the module's. The program mostly stands right behind this package, and each frame costs.
func here() site {
	var pcs [4]uintptr
	for _, pc := range pcs[:runtime.Callers(3, pcs[:])] {
		switch ownerOf(pc) {
		case theProgram:
			return siteAt(pc)
		case theModule:
			return deeper()
		}
	}
	return deeper()
}

// deeper is here for long stacks.
func deeper() site {
	var pcs [64]uintptr
	var first uintptr // outside this package
	for _, pc := range pcs[:runtime.Callers(4, pcs[:])] {
		switch ownerOf(pc) {
		case theProgram:
			return siteAt(pc)
		case theModule:
			if first == 0 {
				first = pc
			}
		}
	}
	if first == 0 {
		return 0
	}
	return siteAt(first)
}

// owner says whose code a program counter is in.
type owner uint8

const (
	thisPackage owner = iota
	theModule
	theRuntime
	theProgram
)

// owners keeps what was found out about program counters, at places that follow from them: 4*pc + owner. Finding out takes
// longer than a message, a sync.Map as long as a frame.
var owners [1 << 10]atomic.Uint64

func ownerOf(pc uintptr) owner {
	at := &owners[(pc^pc>>10)%uintptr(len(owners))]
	if known := at.Load(); known>>2 == uint64(pc) {
		return owner(known & 3)
	}
	f, ok := frameAt(pc)
	o := thisPackage
	if ok {
		o = ownerOfFrame(f)
	}
	at.Store(uint64(pc)<<2 | uint64(o))
	return o
}

func ownerOfFrame(f runtime.Frame) owner {
	path, inModule := strings.CutPrefix(f.Function, modulePath)
	switch {
	case strings.HasPrefix(f.Function, "runtime."), strings.HasPrefix(f.Function, "sync."): // who starts goroutines
		return theRuntime
	case !inModule || strings.HasSuffix(f.File, "_test.go"):
		return theProgram
	case strings.HasPrefix(path, packagePath):
		return thisPackage
	case strings.HasPrefix(path, "/cmd/"), strings.HasPrefix(path, "/examples/"), strings.HasPrefix(path, "/bench"):
		return theProgram
	default:
		return theModule
	}
}

// modulePath and packagePath together begin the names of this package's functions, and of no other's.
const (
	modulePath  = "github.com/darray-go/darray"
	packagePath = "/net/comm."
)

// frameAt is the frame at pc: functions that are inlined into others have program counters of their own.
func frameAt(pc uintptr) (runtime.Frame, bool) {
	f, _ := runtime.CallersFrames([]uintptr{pc}).Next()
	return f, f.Function != ""
}

// String reads "main.go:42", or is empty where the place is not known.
func (s site) String() string {
	if s == 0 {
		return ""
	}
	f, ok := frameAt(s.pc())
	if !ok {
		return ""
	}
	return fmt.Sprintf("%s:%d", filepath.Base(f.File), f.Line)
}

// in is String for the end of a phrase: " (main.go:42)".
func (s site) in() string {
	if text := s.String(); text != "" {
		return " (" + text + ")"
	}
	return ""
}
