package format

import (
	"context"
	"io"
)

// Store is a place of files other than the local disk, known by the scheme of its URLs. Which stores a program has is the program's to
// say, as with formats.
type Store struct {
	Schemes []string // "s3", "https"

	// Open gives the bytes of a file, to be closed by the caller. It asks the store, so it may block until ctx ends; errors name the URL.
	Open func(ctx context.Context, url string, o Options) (*Input, error)
	// List gives the files below a folder, a URL that ends in /, or those that match a glob, sorted by URL.
	List func(ctx context.Context, url string) ([]Entry, error)
	// Create begins a file, which is there, or replaced, once it is committed. Nil: this store is only read.
	Create func(ctx context.Context, url string) (Upload, error)
}

// Entry is a file in a store.
type Entry struct {
	URL  string
	Size int // bytes
}

// Upload is a new file in a store, as Output is on the local disk. It is for one goroutine, and lasts no longer than the context
// that it was created under.
type Upload interface {
	io.Writer
	// Commit puts the file in place when all of it is stored; on failure what was stored is removed.
	Commit() error
	// Abort removes what was stored. It does nothing after Commit, and may always be deferred.
	Abort()
	// Fail is Abort, and err with the file's URL and what is left behind.
	Fail(err error) error
}
