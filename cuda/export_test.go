package cuda

// AddText is a module with the kernel add that a device is measured with.
const AddText = textHead + addEntry

// InBands has products done in launches of so many multiplications.
func (r *Runner) InBands(work int) { r.bandWork = work }
