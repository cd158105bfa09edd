package talk

// Question is what a benchmark asks a contender, a line of JSON. What is compared decides which fields say something.
type Question struct {
	Do     string       `json:"do"` // prepare, check, run or free
	Kernel string       `json:"kernel,omitempty"`
	DType  string       `json:"dtype,omitempty"`
	N      int          `json:"n,omitempty"`
	Spans  [][2]float64 `json:"spans,omitempty"` // of the operands: from, and below
	File   *File        `json:"file,omitempty"`
	Mode   string       `json:"mode,omitempty"`
	Inner  int          `json:"inner,omitempty"`
	Repeat int          `json:"repeat,omitempty"`
	Warm   bool         `json:"warm,omitempty"` // the check was the call that does not count
	Limit  float64      `json:"limit"`          // seconds
}

// File is what is read or written; rivals/io.mjs explains it too.
type File struct {
	Path        string   `json:"path"`
	Format      string   `json:"format"`                // arrow, parquet, csv or npy
	Compression string   `json:"compression,omitempty"` // none, lz4, snappy or zstd
	Layout      string   `json:"layout,omitempty"`      // of .npy: "", one column; c or fortran, all of them
	Columns     []string `json:"columns,omitempty"`     // to sum up, each by itself
	Write       bool     `json:"write,omitempty"`       // instead of reading
	Rows        int      `json:"rows,omitempty"`        // to write
	Source      string   `json:"source,omitempty"`      // the Parquet file whose columns rivals write
	Bytes       int      `json:"bytes,omitempty"`       // that the file will have: for who writes bytes alone
}

// Answer is a contender's.
type Answer struct {
	About       string    `json:"about,omitempty"`
	Check       []float64 `json:"check,omitempty"`
	Runs        []float64 `json:"runs_s,omitempty"`
	Allocs      float64   `json:"allocs,omitempty"`     // of a call
	Peak        float64   `json:"peak_bytes,omitempty"` // the most memory that the process has held since it prepared, where the system tells
	Unavailable string    `json:"unavailable,omitempty"`
	Error       string    `json:"error,omitempty"`
}
