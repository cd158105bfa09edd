package mem

// Recycle has p hand out again what users dropped also where the race detector is on: for tests whose users are ordered.
func Recycle(p *Pool) { p.recycles = true }

// Address is where a buffer begins.
var Address = address

// Unordered: the race detector is on.
const Unordered = unordered
