package lanes_test

import (
	"strings"
	"testing"

	"github.com/darray-go/darray/internal/lanes"
)

// TestGoText writes a description with a table and a region: equal steps once, what nothing reads not at all, and what only
// the region reads inside it.
func TestGoText(t *testing.T) {
	p := lanes.New(64)
	x, y := p.Arg(0), p.Arg(1)
	x.Div(y) // nothing reads it
	sum := x.FMA(y, 0.5)
	word := p.Table("words", lanes.Floats(1, 2)).At(sum.Bits().And(1)).Float()
	out := p.RareOne(x.Lt(y), sum.Add(word), func() lanes.F { return x.FMA(y, 0.5).Sub(x.FNMA(x, y)) })
	got := p.Finish(out.Mul(out)).GoText([]string{"a", "b"}, "pre", "return float32(%s)")
	want := `V := math.FMA(a, b, float64(0x1p-01))
V := math.Float64bits(V)
V := V & uint64(0x1)
V := prewords[V]
V := math.Float64frombits(V)
V := a < b
V := V + V
R := V
if V {
V := math.FMA(-(a), a, b)
V := V - V
R = V
}
V := float64(R * R)
return float32(V)
`
	if anonymous(got) != want {
		t.Errorf("got\n%s\nwant\n%s", anonymous(got), want)
	}
}

// TestGoTextNarrow writes what differs over float32.
func TestGoTextNarrow(t *testing.T) {
	p := lanes.New(32)
	x := p.Arg(0)
	size := x.Abs()
	y := p.RareOne(size.Bits().Gt(p.I(0x7f000000)), x.FMA(0.5, 1), func() lanes.F { return x.Sqrt().Round() })
	got := p.Finish(y.Mul(p.F(0x1.8p23)).CopySign(size.Neg())).GoText([]string{"a"}, "", "return %s")
	want := `V := math.Float32bits(a)
V := V & uint32(0x7fffffff)
V := int32(V) > int32(2130706432)
V := fma32(a, float32(0x1p-01), float32(0x1p+00))
R := V
if V {
V := float32(math.Sqrt(float64(a)))
V := float32(math.RoundToEven(float64(V)))
R = V
}
V := float32(R * float32(0x1.8p+23))
V := V ^ uint32(0x80000000)
V := math.Float32bits(V)
V := V &^ uint32(0x80000000)
V := V & uint32(0x80000000)
V := V | V
V := math.Float32frombits(V)
return V
`
	if anonymous(got) != want {
		t.Errorf("got\n%s\nwant\n%s", anonymous(got), want)
	}
}

// anonymous takes the numbers from the names of values.
func anonymous(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		for i := 0; i < len(line); i++ {
			switch c := line[i]; {
			case (c == 'v' || c == 'r') && i+1 < len(line) && line[i+1] >= '0' && line[i+1] <= '9':
				out.WriteByte(c - 'a' + 'A')
				for i+1 < len(line) && (line[i+1] == '_' || line[i+1] >= '0' && line[i+1] <= '9') {
					i++
				}
			default:
				out.WriteByte(c)
			}
		}
	}
	return out.String()
}

// TestScope holds that a region does not lend its steps to what comes after it.
func TestScope(t *testing.T) {
	p := lanes.New(64)
	x := p.Arg(0)
	inside := p.RareOne(x.Lt(0), x, func() lanes.F { return x.Sqrt() })
	text := p.Finish(inside.Add(x.Sqrt())).GoText([]string{"x"}, "", "return %s")
	if n := strings.Count(text, "math.Sqrt"); n != 2 {
		t.Errorf("%d roots, want one in the region and one behind it:\n%s", n, text)
	}
}

func TestMistakes(t *testing.T) {
	for name, mistake := range map[string]func(p *lanes.Program, x lanes.F){
		"a string for a float":        func(_ *lanes.Program, x lanes.F) { x.Add("1") },
		"a float for a word":          func(_ *lanes.Program, x lanes.F) { x.Bits().And(1.5) },
		"a region without its result": func(p *lanes.Program, x lanes.F) { p.Rare(x.Lt(0), func() []lanes.F { return nil }, x) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if said, ok := recover().(string); !ok || !strings.HasPrefix(said, "lanes: ") {
					t.Errorf("panic %q, want one that names the package", said)
				}
			}()
			p := lanes.New(64)
			mistake(p, p.Arg(0))
		})
	}
	for name, mistake := range map[string]func(p *lanes.Program){
		"a float of 64 bits in narrow lanes": func(p *lanes.Program) { p.F(0.1) },
		"a word of 64 bits in narrow lanes":  func(p *lanes.Program) { p.I(1 << 40) },
		"a table for narrow lanes":           func(p *lanes.Program) { p.Table("words", []uint64{1, 2}).At(p.I(0)) },
		"a wide product in narrow lanes":     func(p *lanes.Program) { p.I(1).Mul32(2) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if said, ok := recover().(string); !ok || !strings.HasPrefix(said, "lanes: ") {
					t.Errorf("panic %q, want one that names the package", said)
				}
			}()
			mistake(lanes.New(32))
		})
	}
}

// TestTwice writes both functions of a program that was doubled: equal but for the operands, each with its own region.
func TestTwice(t *testing.T) {
	p := lanes.New(64)
	x, y := p.Arg(0), p.Arg(1)
	sum := x.FMA(y, 0.5)
	once := p.Finish(p.RareOne(x.Lt(y), sum, func() lanes.F { return sum.Sqrt() }).Mul(0.5))
	two := once.Twice(2)
	if len(two.Results) != 2 {
		t.Fatalf("%d results, want 2", len(two.Results))
	}
	all := two.GoText([]string{"a", "b", "c", "d"}, "", "return %s")
	want := `V := math.FMA(a, b, float64(0x1p-01))
V := math.FMA(c, d, float64(0x1p-01))
V := a < b
V := c < d
R := V
if V {
V := math.Sqrt(V)
R = V
}
R := V
if V {
V := math.Sqrt(V)
R = V
}
V := float64(R * float64(0x1p-01))
V := float64(R * float64(0x1p-01))
return V
`
	if anonymous(all) != want {
		t.Errorf("got\n%s\nwant\n%s", anonymous(all), want)
	}
	if first := once.GoText([]string{"a", "b"}, "", "return %s"); anonymous(first) == anonymous(all) || strings.Contains(first, "c") {
		t.Errorf("the program itself changed:\n%s", first)
	}
}
