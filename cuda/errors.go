package cuda

import (
	"errors"
	"fmt"
)

// What callers branch on. Each is matched by errors.Is against an error of this package, which says more.
var (
	ErrUnavailable    = errors.New("cuda: not available")         // no driver, no device, or a driver too old
	ErrClosed         = errors.New("cuda: device is closed")      // a call after Close
	ErrOutOfMemory    = errors.New("cuda: out of device memory")  // also *MemoryError, which has the figures
	ErrInvalidContext = errors.New("cuda: no context is current") // never seen unless this package is wrong
	ErrText           = errors.New("cuda: the driver cannot compile the module")
	ErrFault          = errors.New("cuda: a kernel failed; nothing on the device can be used any more") // bad address, trap, ECC
	ErrNotFound       = errors.New("cuda: no such name")
	ErrLibrary        = errors.New("cuda: library not available") // NVRTC, cuBLAS, NCCL: no file, or one too old
)

// Error is what a call into the driver, or into a library of NVIDIA's, answered. errors.Is finds the sentinel that its code
// belongs to, if there is one.
type Error struct {
	Op   string // the function, cuMemAlloc_v2
	Code int
	Name string // of the code, CUDA_ERROR_OUT_OF_MEMORY
	Text string // what the driver says about it
}

// Error is a sentence with the call, its meaning and its code.
func (e *Error) Error() string {
	if e.Text == "" {
		return fmt.Sprintf("%s: %s (%d)", e.Op, e.Name, e.Code)
	}
	return fmt.Sprintf("%s: %s (%s, %d)", e.Op, e.Text, e.Name, e.Code)
}

// Is reports whether target is the sentinel of the driver's code.
func (e *Error) Is(target error) bool {
	want, ok := sentinels[e.Code]
	return ok && target == want && isDriver(e.Op)
}

func isDriver(op string) bool { return len(op) > 2 && op[:2] == "cu" && op[2] >= 'A' && op[2] <= 'Z' }

// The codes of CUresult that this package itself looks at.
const (
	codeOutOfMemory  = 2
	codeInvalidValue = 1
	codeNoDevice     = 100
	codeNotFound     = 500
	codeNotReady     = 600
)

// sentinels by code of CUresult.
var sentinels = map[int]error{
	codeOutOfMemory: ErrOutOfMemory,
	201:             ErrInvalidContext,
	209:             ErrText, // no binary for this GPU
	218:             ErrText, // invalid PTX
	222:             ErrText, // unsupported PTX version
	214:             ErrFault,
	codeNotFound:    ErrNotFound,
	700:             ErrFault, // illegal address
	702:             ErrFault, // timeout
	710:             ErrFault, // assertion
	714:             ErrFault, // stack
	715:             ErrFault, // illegal instruction
	716:             ErrFault, // misaligned address
	717:             ErrFault, // invalid address space
	718:             ErrFault, // invalid program counter
	719:             ErrFault, // launch failed
}

// MemoryError says what was asked of the device's memory and what there was, in bytes. It is ErrOutOfMemory.
type MemoryError struct {
	Asked  int
	Free   int // as the driver counts it
	Total  int
	InUse  int // by buffers of this process's device that are not freed
	Cached int // freed, and still waiting for work on the device to pass
	Limit  int // Options.Memory, 0 for none
}

// Error is a sentence with all figures.
func (e *MemoryError) Error() string {
	limit := ""
	if e.Limit > 0 {
		limit = fmt.Sprintf(", limit %d", e.Limit)
	}
	return fmt.Sprintf("%d bytes of device memory asked for: %d free of %d, %d in use here, %d cached%s; free buffers or take smaller pieces",
		e.Asked, e.Free, e.Total, e.InUse, e.Cached, limit)
}

// Unwrap makes it ErrOutOfMemory.
func (e *MemoryError) Unwrap() error { return ErrOutOfMemory }
