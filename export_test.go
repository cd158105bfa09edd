package darray

// ForgetDevice takes back what Use added.
func ForgetDevice() { defaults.kind.Store(nil) }
