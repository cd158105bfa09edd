package ptx

import (
	"sync"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/internal/gen/vmath"
	"github.com/darray-go/darray/internal/lanes"
)

// described is a function of internal/gen/vmath with its descriptions, of float64 and of float32, which are made once, when
// they are needed: that takes ten times as long as writing a kernel of one.
type described struct {
	family   string // before the names of tables
	arity    int
	programs [2]func() *lanes.Program
}

// functions are all there are, by name.
var functions = sync.OnceValue(func() map[string]*described {
	all := map[string]*described{}
	for _, family := range vmath.Families() {
		for _, f := range family.Functions {
			all[f.Name] = &described{family.Name, f.Arity, [2]func() *lanes.Program{
				sync.OnceValue(func() *lanes.Program { return f.Program(false) }),
				sync.OnceValue(func() *lanes.Program { return f.Program(true) }),
			}}
		}
	}
	return all
})

// describedBy is the function of an op and its description for a float type.
func describedBy(op array.Op, d array.DType) (*described, *lanes.Program) {
	f := functions()[op.Info().Func]
	if d == array.Float32 {
		return f, f.programs[1]()
	}
	return f, f.programs[0]()
}

// library writes an op that is computed by a function of internal/gen/vmath, from the description that the processor's code
// is made of. That of float32 has its operands widened and its result rounded, unless it is over lanes of float32.
func (k *kernel) library(op array.Op, d array.DType, x, y string) string {
	f, p := describedBy(op, d)
	operands := []string{x, y}[:f.arity]
	widens := d == array.Float32 && p.Width == 64
	if widens {
		for i, x := range operands {
			operands[i] = k.word("cvt.f64.f32", x)
		}
	}
	result := k.lanes(p, f.family, operands)
	if widens {
		return k.half("cvt.rn.f32.f64", result)
	}
	return result
}
