package comm

import "testing"

func BenchmarkHere(b *testing.B) {
	for b.Loop() {
		if here() == 0 {
			b.Fatal("nowhere")
		}
	}
}

func BenchmarkFoldOf(b *testing.B) {
	op := Op[float64](Sum[float64])
	for b.Loop() {
		if foldOf(op) == 0 {
			b.Fatal("unknown")
		}
	}
}
