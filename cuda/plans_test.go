package cuda_test

import (
	"testing"

	"github.com/darray-go/darray/cuda"
	"github.com/darray-go/darray/cuda/fake"
	"github.com/darray-go/darray/exec/devicetest"
	"github.com/darray-go/darray/internal/leak"
)

// TestLinkedPlans holds plans over several devices of one machine, which NCCL joins, against the reference.
func TestLinkedPlans(t *testing.T) {
	leak.Check(t)
	const devices = 4
	v := driver(t, fake.Options{Devices: devices})
	t.Cleanup(func() {
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	})
	next := 0
	suite := devicetest.Suite{Apart: true, Graphs: 3, Open: func(t testing.TB) devicetest.Accelerator {
		device, err := v.Open(next%devices, cuda.Options{})
		if err != nil {
			t.Fatal(err)
		}
		next++
		r, err := cuda.NewRunner(device)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			for _, err := range []error{r.Close(), device.Close()} {
				if err != nil {
					t.Error(err)
				}
			}
		})
		return r
	}}
	t.Run("random graphs", suite.TestRandomGraphs)
	t.Run("parts", suite.TestParts)
}
