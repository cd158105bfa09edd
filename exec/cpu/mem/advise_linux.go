package mem

import "golang.org/x/sys/unix"

// advise asks for huge pages. Where the system has none the memory is as it was, so the error says nothing new.
func advise(buf []byte) { _ = unix.Madvise(whole(buf), unix.MADV_HUGEPAGE) }

// discard gives the pages back; they read as zeros then. Without it they would go when the runtime gets to it.
func discard(buf []byte) { _ = unix.Madvise(whole(buf), unix.MADV_DONTNEED) }

// whole is the part of a buffer at the alignment of huge pages that consists of whole pages of any size.
func whole(buf []byte) []byte { return buf[:len(buf)&^(64<<10-1)] }
