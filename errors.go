package darray

import (
	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec"
	"github.com/darray-go/darray/net/comm"
)

// Errors to branch on with errors.Is; each comes wrapped with the operation, the caller's file:line and what to do.
var (
	ErrShape    = array.ErrShape   // shapes that do not broadcast, or do not fit the data
	ErrDType    = array.ErrDType   // an element type that an operation is not defined for
	ErrDivide   = array.ErrDivide  // an integer divided by 0; see ElementError
	ErrMemory   = exec.ErrMemory   // the plan needs more memory than Config.MemoryLimit; nothing has run
	ErrDiverged = comm.ErrDiverged // ranks are in different operations
)

// ErrNegativePower is an integer raised to a negative integer power; see ElementError.
var ErrNegativePower = array.ErrNegativePower

// ElementError names the op and the element that ErrDivide and ErrNegativePower are about, on every rank; use errors.As.
type ElementError = array.ElementError

// RankError names the rank that was lost or failed, and in which operation; use errors.As.
type RankError = comm.RankError
