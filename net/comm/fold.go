package comm

import (
	"fmt"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
)

// fold says which Op a reduction is by: the site of its function's entry. 0 is unknown.
type fold int32

func foldOf[T Elem](op Op[T]) fold {
	return fold(siteAt(reflect.ValueOf(op).Pointer()))
}

// agrees reports whether two ranks reduce by the same Op, as far as that can be told. A function that is written in one
// place counts as one, however often the compiler makes code of it.
func (f fold) agrees(with fold) bool {
	if f == with {
		return true
	}
	a, b := f.String(), with.String()
	return a == b || a == "" || b == ""
}

// String reads "Sum", or "the function at main.go:12" of one that is not this package's. It is empty where the function says
// nothing: in generic code, Sum[T] is passed as a closure that hides it, and so is what Each makes.
func (f fold) String() string {
	if f == 0 {
		return ""
	}
	fn := runtime.FuncForPC(site(f).pc())
	if fn == nil || strings.Contains(fn.Name(), "[...].") {
		return ""
	}
	if name, ours := strings.CutPrefix(fn.Name(), modulePath+packagePath); ours {
		name, _, _ = strings.Cut(name, "[")
		return name
	}
	file, line := fn.FileLine(fn.Entry())
	return fmt.Sprintf("the function at %s:%d", filepath.Base(file), line)
}
