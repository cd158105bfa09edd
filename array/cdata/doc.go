// Package cdata hands blocks and record batches to other languages in this process, and takes theirs, by the Arrow C data interface: two
// structs, ArrowArray and ArrowSchema, that point at the values where they lie. Python (pyarrow, polars, pandas), R, DuckDB and ADBC drivers
// speak it. It goes over arrow-go's package of that name and needs cgo: where a program is built without (CGO_ENABLED=0, or no C compiler),
// this package is empty, and what names Export or Import does not compile. No other package of the module imports it, so that only programs
// which do need a C compiler.
//
// Structs are named by their addresses, as uintptr, so that those who call need no cgo themselves; they are what pyarrow's
// _export_to_c and _import_from_c take. They must lie in memory that does not move (C's, or that of NewStructs), and nobody else may use them
// during a call.
//
// # Who owns what
//
// The memory of the structs themselves belongs to who allocated it, before and after. What they hold has one owner at a time:
//
//   - Export and ExportBatch write over what the structs held (which may be anything, and is not released) and make whoever has the structs
//     the owner. The owner, or whom it moves them to, calls their release callbacks, once and on any thread. Until then the memory of the
//     block or batch stays, even if Go has let go of it.
//   - Import and ImportBatch take over what the structs hold, whether or not they then fail: after the call both are released, as C sees it,
//     and there is nothing left to do for the caller. The producer's release callbacks are called when Go is done: that of the schema before
//     the call returns, that of the array when the last array over it is released or the garbage collector finds that nothing reaches
//     them, on a thread of Go's runtime.
//
// # What is copied
//
// Values and validity are not, in either direction. Exported memory that belongs to Go's garbage collector is pinned until its release, which
// is what cgo demands of Go pointers that lie in C memory; arrow-go's own export keeps it reachable, but does not pin it, and is at odds with
// that rule (GOEXPERIMENT=cgocheck2 ends a program that does so). Memory that is not the collector's, as of mapped files, needs no pin and is
// kept open. Copied are schemas, whose names and formats are a few bytes; on export, the validity of struct columns that begin within a byte;
// on import into a block, values at addresses that their type cannot have, and the elements of lists among which are null ones.
//
// Memory is shared, so what one side writes the other sees. The interface says that nobody writes: not C, and not Go by Block.Overwrite while
// an export is not released.
//
// # What cannot be checked
//
// Null pointers, released structs, unknown formats, lengths that are negative or overflow, wrong counts of buffers and children, offsets and
// indices that lead out of their buffers, and trees without end are errors. That a pointer leads to as many bytes as a length says, or to
// memory at all, nobody can tell: a producer that lies about it ends the process, here as in C.
package cdata
