package compute

import (
	"context"
	"fmt"
	"time"
)

// The modes of the suite gpu: where operands and results lie, and what takes the time.
const (
	Resident = "resident" // in the GPU's memory; the clock of the host, over calls in a row and the wait for the last
	Kernel   = "kernel"   // likewise; the GPU's own events around each call
	Host     = "host"     // in the host's memory, from which they go up and to which they come back in every call
)

// What ours computes on.
const (
	onProcessor = "cpu"
	onGPU       = "cuda"
	simulated   = "sim"
)

// gpuSuite is the comparison on a GPU.
func gpuSuite() Suite {
	return Suite{
		Name: "gpu", Short: "expressions, reductions, products and launches on a GPU, beside CuPy, PyTorch, JAX and Numba",
		Long: `Measure what a GPU computes: a+b, a*b+c-d, exp(-a*a)*sin(b), the price of a call option by Black and Scholes, sum and dot; a launch
(a+b of one element), the first call of an expression that nobody has compiled before, and a matrix product. Three modes:
  resident  operands and results stay in the GPU's memory; the time of calls in a row, up to the end of the last
  kernel    the same by the GPU's own events around each call
  host      from the host's memory and back to it in every call, as a program that uses the GPU for one expression
Where operands are small there are several sets of them, which take turns, so that the GPU's cache does not serve. of limit is a copy of as
many bytes in the GPU's memory. darray-cpu is darray on the processor, for what lies in the host's memory. Without a GPU it is an
error; --device sim measures the simulator, to try the suite itself: its times are marked and stand beside nobody's.`,
		Sets: []Set{
			{
				Name: "elements", Cases: []string{"add", "muladdsub", "expsin", "blackscholes", "sum", "dot"},
				Sizes: []int{1e5, 1e7, 1 << 28}, quick: []int{2000},
			},
			{Name: "calls", Cases: []string{"launch", "compile"}, Sizes: []int{1}, quick: []int{1}, fixed: true},
			{Name: "products", Cases: []string{"matmul"}, Sizes: []int{8192}, quick: []int{32}, fixed: true},
		},
		modes: []string{Resident, Kernel, Host}, dtypes: []string{float64s, float32s}, rivals: gpuRivals(), gpu: true,
		Rounds: 3, Repeat: 3, turn: 100 * time.Millisecond,
	}
}

// gpuRivals are those that rivals/gpu.py plays.
func gpuRivals() []string { return []string{"cupy", "torch", "torch-compiled", "jax", "numba"} }

// gpuPackages is what pip installs of a rival.
func gpuPackages(rival string) string {
	switch rival {
	case "cupy":
		return "cupy-cuda12x"
	case "jax":
		return "'jax[cuda12]'"
	case "numba":
		return "numba-cuda"
	}
	return "torch"
}

// callKernels are what a call costs beside what it computes.
func callKernels() []kernel {
	return []kernel{
		{name: "launch", title: "a launch: a + b", operands: 2, call: true, check: elements(func(x []float64) float64 { return x[0] + x[1] })},
		{
			name: "compile", title: "a new expression", operands: 2, call: true, modes: []string{Resident},
			check: elements(func(x []float64) float64 {
				for range compileOps {
					x[0] += x[1]
				}
				return x[0]
			}),
		},
	}
}

// compileOps is the ops of an expression that is compiled: each call has others of the two to the power of so many, bit by bit * or +.
const compileOps = 24

// startGPU launches ours on the GPU, the copies that are its limit, and ours on the processor.
func (r *run) startGPU(ctx context.Context, self string) error {
	elements := []string{"add", "muladdsub", "expsin", "blackscholes", "sum", "dot"}
	argv := []string{self, "bench", "contender"}
	onDevice := append(argv[:len(argv):len(argv)], "--device", r.o.Device)
	for _, c := range []*contender{
		{name: "darray", side: ours, argv: onDevice},
		{name: "copy", side: limit, argv: append(onDevice[:len(onDevice):len(onDevice)], "--copy"), kernels: elements, modes: []string{Resident, Kernel}},
		{name: "darray-cpu", side: beside, argv: argv, modes: []string{Host}},
	} {
		if c.side == beside && r.o.Device == simulated {
			continue
		}
		c.threads = r.o.Threads
		if err := r.join(ctx, c); err != nil {
			return fmt.Errorf("%s on a GPU: %w; --device sim tries the suite without one", c.name, err)
		}
	}
	return nil
}

// deviceEnv tells ours what to compute on.
func (r *run) deviceEnv(c *contender) []string {
	device := r.o.Device
	if r.suite.gpu { // the contender on the GPU is told by its flag
		device = onProcessor
	}
	env := []string{"DARRAY_DEVICE=" + device}
	if c.side == rival && r.suite.gpu {
		env = append(env, "XLA_PYTHON_CLIENT_PREALLOCATE=false") // JAX would take three quarters of the GPU's memory
	}
	return env
}
