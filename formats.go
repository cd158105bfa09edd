package darray

import (
	"fmt"
	"slices"
	"strings"

	"github.com/darray-go/darray/format"
	"github.com/darray-go/darray/format/arrowipc"
	"github.com/darray-go/darray/format/csv"
	"github.com/darray-go/darray/format/npy"
)

// builtin are the formats that every program has: those that link little.
var builtin = []format.Format{arrowipc.Format, npy.Format, npy.Zip, csv.Format}

// UseFormat adds a format of files to the program: darray.UseFormat(parquet.Format). A program that does not call it does not link the
// format's package. All ranks of a job need the same ones, as they are one program. The last call for a name counts.
func UseFormat(f format.Format) {
	defaults.Lock()
	defer defaults.Unlock()
	old := slices.DeleteFunc(formats(), func(g format.Format) bool { return g.Name == f.Name })
	old = append([]format.Format{f}, old...)
	defaults.formats.Store(&old)
}

// formats are those that the program has, a copy: what was added first, since formats of text take what is left.
func formats() []format.Format {
	if added := defaults.formats.Load(); added != nil {
		return slices.Clone(*added)
	}
	return slices.Clone(builtin)
}

// UseStore adds a place of files to the program, known by the scheme of URLs: darray.UseStore(blob.Store) has s3://, gs:// and https://. A program
// that does not call it does not link the store's package. All ranks of a job need the same ones. The last call for a scheme counts.
func UseStore(s format.Store) {
	defaults.Lock()
	defer defaults.Unlock()
	stores := []format.Store{s}
	if old := defaults.stores.Load(); old != nil {
		stores = append(stores, *old...)
	}
	defaults.stores.Store(&stores)
}

// storeOf is the store of a URL; false where path is none.
func storeOf(path string) (s format.Store, ok bool, err error) {
	scheme, _, ok := strings.Cut(path, "://")
	if !ok || strings.ContainsAny(scheme, `/\`) {
		return format.Store{}, false, nil
	}
	if stores := defaults.stores.Load(); stores != nil {
		for _, s := range *stores {
			if slices.Contains(s.Schemes, strings.ToLower(scheme)) {
				return s, true, nil
			}
		}
	}
	return format.Store{}, true, fmt.Errorf("%s://...: this program has no store for %s; add one by darray.UseStore(blob.Store), from github.com/darray-go/darray/format/blob, "+
		"which has s3, gs, http and https", scheme, scheme)
}

// formatNamed is the format of that name.
func formatNamed(name string) (format.Format, error) {
	for _, f := range formats() {
		if f.Name == name {
			return f, nil
		}
	}
	return format.Format{}, fmt.Errorf("this program does not have format %q; every rank needs the same ones, added by darray.UseFormat", name)
}
