package sim_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/darray-go/darray/cuda/ptx/sim"
)

// TestRefused holds that what is not known is an error of Parse that names the line and the thing.
func TestRefused(t *testing.T) {
	for _, c := range []struct{ body, want string }{
		{"ex2.approx.f32 %f0, %f1;", "instruction ex2 is not supported"},
		{"div.full.f32 %f0, %f1, %f2;", "div is not supported with these modifiers; known: div.u16|.s16"},
		{"sqrt.approx.f32 %f0, %f1;", "sqrt.rn|.rz|.rm|.rp{.ftz}.f32"},
		{"add.f64.rn %d0, %d1, %d2;", "known: add"},
		{"add.rn.sat.f64 %d0, %d1, %d2;", "known: add"},
		{"mul.s32 %r0, %r1, %r2;", "known: mul.lo|.hi"},
		{"add.u32 %r0, %r1;", "takes 3 operands, not 2"},
		{"add.u32 %r0, %r1, %x1;", "%x1 is a register of type .b64, not one for type .u32"},
		{"add.u64 %x0, %x1, %r1;", "%r1 is a register of type .b32"},
		{"add.f32 %f0, %f1, 1;", "integer constant 1 for type .f32"},
		{"add.f32 %f0, %f1, 0d3FF0000000000000; add.f64 %d0, %d1, 0f3F800000;", "float32 constant for type .f64"},
		{"add.s32 %r0, %r1, 0f3F800000;", "float32 constant for type .s32"},
		{".reg .s32 %i; .reg .f32 %g; add.s32 %i, %i, %g;", "%g is a register of type .f32"},
		{".reg .u32 %i; mov.f32 %i, 0f00000000;", "%i is a register of type .u32"},
		{"and.b64 %x0, %x1, 0d7FFFFFFFFFFFFFFF;", "a float constant for and.b64; write its bits"},
		{"xor.b32 %r0, %r1, 0f80000000;", "a float constant for xor.b32; write its bits"},
		{"setp.eq.b32 %p0, %r0, 0f00000000;", "a float constant for setp.b32; write its bits"},
		{"shl.b32 %r0, 0f3F800000, 1;", "a float constant for shl.b32; write its bits"},
		{"mov.b32 %r0, 0f3F800000; selp.b64 %x0, 0d3FF0000000000000, %x1, %p0;", ""},
		{"mov.u32 %r0, 4294967296;", "constant 4294967296 does not fit type .u32"},
		{"mov.s16 %h0, -32769;", "does not fit"},
		{"mov.u32 %r0, %clock;", "%clock is no declared register and no special register"},
		{"mov.u32 %r99, 1;", "%r99 is no declared register"},
		{"mov.u64 %x0, nothing;", "nothing is no variable"},
		{"bra nowhere;", "nowhere is no label"},
		{"bra %r0;", "no label"},
		{"L: mov.u32 %r0, 0; L: ret;", "label L stands twice"},
		{".reg .b32 %r0;", ""},
		{".reg .b32 %a; .reg .b32 %a;", "%a is declared twice"},
		{".reg .b8 %a;", "the smallest has 16 bits"},
		{".reg .v4 .b32 %a;", "type .v4 is not supported"},
		{"@%r0 bra L; L:", "a guard must be a predicate"},
		{"setp.lo.s32 %p0, %r0, %r1;", "setp.lo is not for type .s32"},
		{"setp.lt.b32 %p0, %r0, %r1;", "setp.lt is not for type .b32"},
		{"setp.lt.ftz.f64 %p0, %d0, %d1;", "not for type .f64"},
		{"cvt.s32.f32 %r0, %f0;", "cvt.s32.f32 with these modifiers is not in the language"},
		{"cvt.rn.s32.f32 %r0, %f0;", "not in the language"},
		{"cvt.f32.s32 %f0, %r0;", "not in the language"},
		{"cvt.f32.f64 %f0, %d0;", "not in the language"},
		{"cvt.rn.f64.f32 %d0, %f0;", "not in the language"},
		{"cvt.rni.s32.s32 %r0, %r0;", "not in the language"},
		{"cvt.sat.s32.u16 %r0, %h0;", "not in the language"},
		{"cvt.rn.f16.f32 %h0, %f0;", "known: cvt"},
		{"min.NaN.f32 %f0, %f1, %f2;", "needs sm_80"},
		{"ld.global.f32 %f0, %x0;", "is no address"},
		{"ld.global.f32 %f0, [%d0];", "an address in register %d0"},
		{"ld.global.u64 %r0, [%x0];", "%r0 is a register of type .b32"},
		{"ld.global.v2.f32 %f0, [%x0];", "needs {} of 2 registers"},
		{"ld.global.v4.f64 {%d0, %d1, %d2, %d3}, [%x0];", "more than 16 bytes"},
		{"ld.global.u32 %r0, [s];", "variable s lies in .shared, not in .global"},
		{"ld.u32 %r0, [s];", "variable s without its space; write .shared"},
		{"st.const.u32 [%x0], %r0;", "known: st"},
		{"st.param.u64 [p], %x0;", "a store to param"},
		{"ldu.global.f32 %f0, [%x0];", "instruction ldu is not supported"},
		{"atom.global.add.s64 %x0, [%x0], %x1;", "known: atom"},
		{"atom.global.min.f32 %f0, [%x0], %f1;", "known: atom"},
		{"red.global.cas.b32 [%x0], %r0, %r1;", "known: red"},
		{"shfl.down.b32 %r0, %r1, 1, 31;", "known: shfl.sync"},
		{"vote.ballot.b32 %r0, %p0;", "known: vote.sync"},
		{"bar.arrive 0, 32;", "known: bar"},
		{"call nobody;", "function nobody is not defined"},
		{"call.uni (%r0), %x0, (%r1);", "call needs the name of a function"},
		{"mov.b64 {%r0, %r1, %r2}, %x0;", "3 values packed into type .b64"},
		{"lop3.b32 %r0, %r1, %r2, %r3, 256;", "no number up to 255"},
		{"{ { { { { { { { { { { { { { { { { { } } } } } } } } } } } } } } } } } }", "scopes within each other"},
		{"add.u32 %r0, %r1, %r2", "instead of"},
		{"and.pred %p0, %p1, !%p2;", "! before an operand"},
		{"mov.u32 %r0, ~1;", "character '~'"},
		{".pragma \"used_bytes_mask 1\";", "pragma"},
		{"selp.b32 %r0, %r1, %r2, !%p0;", "! before an operand"},
		{"mov.b64 {_, %r0}, %x0;", "no register"},
		{"ld.global.v2.u32 {_, %r0}, [%x0];", "no register"},
		{"ld.volatile.local.u32 %r0, [%x0];", "known: ld"},
		{"ld.global.u32 %r0, [%x0-8];", "instead of \"]\""},
		{"ld.global.u32 %r0, [%x0+4294967296];", "where a number up to 2147483647"},
		{"bar.cta.sync 0;", "known: bar"},
		{".callprototype;", "directive .callprototype is not supported"},
	} {
		t.Run(c.body, func(t *testing.T) {
			_, err := sim.Parse(entry(c.body))
			if c.want == "" {
				if err != nil { // a name that a range declares too may be declared in itself
					t.Error(err)
				}
				return
			}
			var syntax *sim.SyntaxError
			if !errors.As(err, &syntax) || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%v, want %q", err, c.want)
			}
			if syntax.Line != 8 && syntax.Line != 9 {
				t.Errorf("line %d: %v", syntax.Line, err)
			}
		})
	}
}

func TestRefusedModules(t *testing.T) {
	many := strings.Repeat("{", 10)
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "instead of"},
		{"version", ".version 5.0\n.target sm_70\n", "version 5.0 is not supported"},
		{"no version", ".target sm_70\n", ".target before .version"},
		{"target", ".version 7.0\n.target sm_35\n", "target sm_35 is not supported"},
		{"texmode", ".version 7.0\n.target sm_70, texmode_unified\n", "target option"},
		{"32 bits", ".version 7.0\n.target sm_70\n.address_size 32\n", "address size 32"},
		{"extern variable", header + ".extern .global .b32 x;", "no definition to link with"},
		{"extern function", header + ".extern .func f;", "defined in another module"},
		{"texture", header + ".global .texref t;", "type .texref is not supported"},
		{"section", header + ".section .debug_info { }", "directive .section is not supported"},
		{"alias", header + ".alias a, b;", "directive .alias"},
		{"no size", header + ".global .b8 x[];", "has no size"},
		{"too large", header + ".global .b64 x[1000000000];", "where a number up to"},
		{"product too large", header + ".global .b64 x[60000000][60000000];", "larger than"},
		{"too many values", header + ".global .b32 x[2] = {1, 2, 3};", "12 bytes of initial values for x of 8 bytes"},
		{"value too large", header + ".global .u8 x = 256;", "does not fit"},
		{"shared with a value", header + ".shared .b32 x = 1;", "has no initial value"},
		{"initialiser", header + ".global .b32 x[1] = " + many + "1" + strings.Repeat("}", 10) + ";", "too deep"},
		{"address of shared", header + ".shared .b32 s; .global .u64 x = s;", "no address that a variable could hold"},
		{"address in a word", header + ".global .b32 y; .global .u32 x = y;", "an address in a variable of type .u32"},
		{"twice", header + ".global .b32 x; .global .b32 x;", "declared twice"},
		{"two kernels", header + ".entry k() { ret; } .entry k() { ret; }", "declared twice"},
		{"recursion", header + ".func f() { call f; ret; }", "calls itself"},
		{"recursion of two", header + ".func g(); .func f() { call g; ret; } .func g() { call f; ret; }", "calls itself"},
		{"declared otherwise", header + ".func g(); .func g(.param .b32 x) { ret; }", "declared otherwise"},
		{"arguments", header + ".func g(.param .b32 x) { ret; } .entry k() { call g; ret; }", "takes 1 arguments"},
		{"argument size", header + ".func g(.param .b32 x) { ret; } .entry k() { .param .b64 a; call g, (a); ret; }", "a of 8 bytes for parameter x of 4"},
		{"register parameter", header + ".func g(.reg .b32 x) { ret; }", "write .param"},
		{"parameters", header + ".entry k(.param .b8 x[4097]) { ret; }", "more than 4096 bytes of parameters"},
		{"open function", header + ".entry k() { ret;", "the end inside function k"},
		{"open comment", header + "/* ", "comment without end"},
		{"open string", header + ".file 1 \"a", "string without end"},
		{"too long", strings.Repeat(" ", 5<<20), "the limit"},
		{"calls that multiply", header + bomb(), "with calls expanded"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := sim.Parse(c.text)
			var syntax *sim.SyntaxError
			if !errors.As(err, &syntax) || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%v, want %q", err, c.want)
			}
		})
	}
}

// bomb is functions of which each calls the one before ten times.
func bomb() string {
	s := ".func f0() { ret; }\n"
	for i := range 12 {
		name, before := string(rune('a'+i)), string(rune('a'+i-1))
		if i == 0 {
			before = "f0"
		}
		s += ".func " + name + "() { " + strings.Repeat("call "+before+"; ", 10) + "ret; }\n"
	}
	return s
}
