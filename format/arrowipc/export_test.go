package arrowipc

// NewWriterThrough is NewWriter with a seam where tests let the disk fail.
var NewWriterThrough = newWriter

// OpenBytes opens a file that lies in memory.
func OpenBytes(data []byte, o Options) (*File, error) {
	return newFile("memory.arrow", &mapping{data}, len(data), o)
}
