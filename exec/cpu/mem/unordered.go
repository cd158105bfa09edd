//go:build race

package mem

// unordered says that a user's last use of a buffer and the next user's first are in an order that the race detector does
// not see, since only the runtime knows that the first user cannot reach it any more. With the detector on, dropped buffers
// are therefore not handed out again.
const unordered = true
