//go:build cgo

package cdata_test

import (
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/array/cdata"
)

// BenchmarkRoundTrip is there and back: its time does not depend on the length without nulls, and with them is that of counting their bits.
func BenchmarkRoundTrip(b *testing.B) {
	for name, nulls := range map[string]bool{"valid": false, "nulls": true} {
		b.Run(name, func(b *testing.B) {
			block := random(b, array.Float64, array.Shape{1 << 23}, 0, nulls)
			s := cdata.NewStructs()
			defer s.Close()
			b.SetBytes(8 << 23)
			b.ReportAllocs()
			for b.Loop() {
				if err := cdata.Export(block, s.Array(), s.Schema()); err != nil {
					b.Fatal(err)
				}
				if _, err := cdata.Import(s.Array(), s.Schema()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
