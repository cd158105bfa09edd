package format

import (
	"context"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
)

// WriteOptions of a new file. The zero value works.
type WriteOptions struct {
	Compression string // of the format's: "lz4", "zstd", "snappy", "gzip", "brotli", "none"; "" is what the format does usually
	BatchRows   int    // rows of a record batch or row group; 0: as many as take about 64 MiB
	Plain       bool   // Parquet: no dictionary encoding, but of columns that are dictionaries
	Rows        int    // how many there will be in all; formats that say it first (.npy) need it
}

// Encoder writes one file. It is for one goroutine.
type Encoder interface {
	// Write appends rows of the schema that the encoder was made for. Formats that write column by column (.npz) keep the arrays of r
	// until Close, so that their memory must not change; the others keep nothing.
	Write(ctx context.Context, r arrow.RecordBatch) error
	// Close ends the file; it does not close the writer below. Without it the file is not whole.
	Close() error
}

// Create begins a file of format f on w. The encoder's errors do not name the file.
func Create(f Format, w io.Writer, s *arrow.Schema, o WriteOptions) (Encoder, error) {
	if f.Create == nil {
		return nil, fmt.Errorf("%s can be read, but not written", f.What)
	}
	if o.BatchRows < 0 {
		return nil, fmt.Errorf("batches of %d rows; use a positive number, or 0", o.BatchRows)
	}
	seen := make(map[string]bool)
	for _, field := range s.Fields() {
		if seen[field.Name] {
			return nil, fmt.Errorf("two columns are called %q; rename one", field.Name)
		}
		seen[field.Name] = true
	}
	e, err := create(f, w, s, o)
	if err != nil {
		return nil, err
	}
	return &guardedEncoder{e: e}, nil
}

func create(f Format, w io.Writer, s *arrow.Schema, o WriteOptions) (e Encoder, err error) {
	defer Guard(&err)()
	return f.Create(w, s, o)
}

// guardedEncoder keeps panics of libraries in, and the first error.
type guardedEncoder struct {
	e   Encoder
	err error
}

func (g *guardedEncoder) Write(ctx context.Context, r arrow.RecordBatch) error {
	if g.err == nil {
		g.err = g.write(ctx, r)
	}
	return g.err
}

func (g *guardedEncoder) write(ctx context.Context, r arrow.RecordBatch) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	defer Guard(&err)()
	return g.e.Write(ctx, r)
}

func (g *guardedEncoder) Close() error {
	if g.err == nil {
		g.err = g.close()
	}
	return g.err
}

func (g *guardedEncoder) close() (err error) {
	defer Guard(&err)()
	return g.e.Close()
}
