package cuda

// calibrateText is what a device is measured with: an empty kernel, one that adds two arrays, and one of additions alone.
const calibrateText = textHead + `
.visible .entry empty()
{
	ret;
}
` + addEntry + `
.visible .entry chains(.param .u64 out)
{
	.reg .pred %p<2>;
	.reg .b32 %r<5>;
	.reg .b64 %rd<4>;
	.reg .f64 %fd<5>;
	mov.u32 %r1, %ctaid.x;
	mov.u32 %r2, %ntid.x;
	mov.u32 %r3, %tid.x;
	cvt.u64.u32 %rd1, %r3;
	mul.wide.u32 %rd2, %r1, %r2;
	add.s64 %rd1, %rd1, %rd2;
	shl.b64 %rd1, %rd1, 3;
	ld.param.u64 %rd3, [out];
	add.s64 %rd3, %rd3, %rd1;
	ld.global.f64 %fd1, [%rd3];
	mov.f64 %fd2, %fd1;
	mov.f64 %fd3, %fd1;
	mov.f64 %fd4, %fd1;
	mov.u32 %r4, 0;
LOOP:
	add.rn.f64 %fd1, %fd1, %fd2;
	add.rn.f64 %fd2, %fd2, %fd3;
	add.rn.f64 %fd3, %fd3, %fd4;
	add.rn.f64 %fd4, %fd4, %fd1;
	add.rn.f64 %fd1, %fd1, %fd3;
	add.rn.f64 %fd2, %fd2, %fd4;
	add.rn.f64 %fd3, %fd3, %fd1;
	add.rn.f64 %fd4, %fd4, %fd2;
	add.u32 %r4, %r4, 1;
	setp.lt.u32 %p1, %r4, 64;
	@%p1 bra LOOP;
	add.rn.f64 %fd1, %fd1, %fd2;
	add.rn.f64 %fd3, %fd3, %fd4;
	add.rn.f64 %fd1, %fd1, %fd3;
	st.global.f64 [%rd3], %fd1;
	ret;
}
`

// textHead begins a module.
const textHead = `.version 7.0
.target sm_70
.address_size 64
`

// addEntry is out[i] = a[i] + b[i] for i below n.
const addEntry = `
.visible .entry add(.param .u64 n, .param .u64 a, .param .u64 b, .param .u64 out)
{
	.reg .pred %p<2>;
	.reg .b32 %r<4>;
	.reg .b64 %rd<7>;
	.reg .f64 %fd<4>;
	mov.u32 %r1, %ctaid.x;
	mov.u32 %r2, %ntid.x;
	mov.u32 %r3, %tid.x;
	cvt.u64.u32 %rd1, %r3;
	mul.wide.u32 %rd2, %r1, %r2;
	add.s64 %rd1, %rd1, %rd2;
	ld.param.u64 %rd3, [n];
	setp.ge.u64 %p1, %rd1, %rd3;
	@%p1 bra DONE;
	shl.b64 %rd1, %rd1, 3;
	ld.param.u64 %rd4, [a];
	ld.param.u64 %rd5, [b];
	ld.param.u64 %rd6, [out];
	add.s64 %rd4, %rd4, %rd1;
	add.s64 %rd5, %rd5, %rd1;
	add.s64 %rd6, %rd6, %rd1;
	ld.global.f64 %fd1, [%rd4];
	ld.global.f64 %fd2, [%rd5];
	add.rn.f64 %fd3, %fd1, %fd2;
	st.global.f64 [%rd6], %fd3;
DONE:
	ret;
}
`
