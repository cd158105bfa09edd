// Package sim parses PTX, NVIDIA's assembly language, and runs its kernels without a card, so that their mistakes become errors: an
// access outside every buffer, a register that nothing wrote, a barrier that some threads never reach, a missing barrier.
//
// What is not known is refused by Parse; nothing is ignored or approximated. Instructions whose result the language leaves to the
// card (ex2.approx, div.full) are therefore refused. Arithmetic follows the PTX ISA: floats round once, subnormals are kept unless
// .ftz is written, and a NaN result is 0x7fffffff for float32 and 0xfff8000000000000 for float64.
//
// The threads of a block advance together: an instruction runs for all threads that stand at it, those at the least place in the
// text first, until they meet again. Blocks run one after another. So results are deterministic, and what a card leaves open (the
// order of blocks and of atomic operations) has one answer here, which Launch.Seed varies.
package sim
