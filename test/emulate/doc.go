// Package emulate runs the tests of the AVX-512 kernels on machines without AVX-512: under Bochs, which emulates a Skylake-X,
// in a Linux of Debian's whose first process runs the test binaries, in one boot. It has tests only, which need the programs of
//
//	apt-get install bochs bochs-term bochsbios vgabios xorriso isolinux syslinux-common
//
// and fetch a kernel (27 MB, unpacked beside, not installed) by apt-get. They take minutes, so that they run when asked, and
// say NOT TESTED when not or when something is missing:
//
//	go test ./test/emulate -v -emulate
//
// An emulated second has some 50 million instructions, so the tests run with -short. Others:
//
//	go test ./test/emulate -v -emulate.package ./exec/cpu -emulate.args "-test.run Random -test.v"
//
// # What Bochs 2.7 computes wrong
//
// Under Bochs 2.7 the tests leave out some values of three casts (-kern.bochs27 and -cpu.bochs27, given by the test here where
// bochs says that it is 2.7). The kernels do these casts by one instruction each, as Intel's manual defines it; bare
// instructions in a program of nothing else, run there beside exact arithmetic of math/big, gave:
//
//	VCVTUDQ2PS   0x80000081            0x4f000000           must be 0x4f000001
//	VCVTUSI2SS   0x80000081            0x4f000000           must be 0x4f000001
//	VCVTUQQ2PD   0x8000000000000401    0x43e0000000000000   must be 0x43e0000000000001
//	VCVTUSI2SD   0x8000000000000401    0x43e0000000000000   must be 0x43e0000000000001
//	VCVTTPD2UQQ  0x43e000000fffebcd    0xffffffffffffffff   must be 0x8000007fff5e6800 (the float64 9.2233725866e18)
//	VCVTTSD2USI  0x43e000000fffebcd    0xffffffffffffffff   must be 0x8000007fff5e6800
//
// Of numbers whose highest bit is set the first four lose the lowest, which is wrong where it decides the rounding; 0x80000080,
// 0x800000c0, 0x80000181 and 0xffffffff came out right. The last two give all ones from 2^63 on; right are the numbers below,
// and those of 2^64 and more, where all ones is the answer. VCVTUDQ2PD, VCVTUQQ2PS, VCVTTPS2UQQ, VCVTTPS2UDQ and VCVTTPD2UDQ
// were right on such values. exec/cpu/kern leaves out exactly these values, exec/cpu the programs with such a cast.
package emulate
