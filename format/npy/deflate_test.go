package npy_test

import (
	"bytes"
	"compress/flate"
	"hash/crc32"
)

// deflated packs bytes as the standard library does, which the reader does not use.
func deflated(data []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.BestSpeed)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	err = w.Close()
	return out.Bytes(), err
}

func crc(data []byte) uint32 { return crc32.ChecksumIEEE(data) }
