// Package interop holds darray against other programs: Apache Arrow for JavaScript, polars and DuckDB. What they write is read here, what is
// written here they read, value by value. It has tests only. testdata has small files of theirs, so that reading is tested everywhere;
// the rest needs Node.js and the packages of package.json, and says how to get them where it skips. make.mjs writes testdata, read.mjs reads.
package interop
