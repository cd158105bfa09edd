package npy

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/darray-go/darray/format"
)

// openZip reads the directory of a .npz file and each member's header.
func openZip(ctx context.Context, in *format.Input, o format.Options) (*format.File, error) {
	z, err := zip.NewReader(in.Section(ctx, 0, in.Size), int64(in.Size))
	if err != nil {
		return nil, errors.Join(ctx.Err(), fmt.Errorf("the directory of the archive: %w", err))
	}
	r := &reader{budget: o.Budget, cache: cache{limit: o.Budget}}
	seen := make(map[string]bool)
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, "/") {
			continue // a folder
		}
		name := strings.TrimSuffix(f.Name, suffix)
		if o.Member != "" && o.Member != name {
			seen[name] = true
			continue
		}
		if seen[name] || !utf8.ValidString(name) {
			return nil, fmt.Errorf("two members are called %.80q, or the name is not UTF-8; save the archive again", name)
		}
		seen[name] = true
		m, err := openMember(ctx, in, f, name)
		if err != nil {
			return nil, fmt.Errorf("member %q: %w", name, err)
		}
		r.members = append(r.members, m)
	}
	if o.Member != "" && len(r.members) == 0 {
		return nil, fmt.Errorf("there is no member %q; there are %s", o.Member, some(z.File, func(f *zip.File) string { return strings.TrimSuffix(f.Name, suffix) }))
	}
	for _, m := range r.members {
		if m.head.rows() != r.members[0].head.rows() || len(m.head.shape) == 0 != (len(r.members[0].head.shape) == 0) {
			return nil, fmt.Errorf("the members are not of one length: %s; name one of them, as in file.npz#%s",
				some(r.members, func(m *member) string { return fmt.Sprintf("%s %v", m.name, m.head.shape) }), r.members[0].name)
		}
	}
	file := newFile(r)
	names := make(map[string]bool)
	for _, f := range file.Schema.Fields() {
		if names[f.Name] {
			return nil, fmt.Errorf("two columns would be called %q; save the members under other names", f.Name)
		}
		names[f.Name] = true
	}
	return file, nil
}

// some lists things, the first of them if they are many.
func some[T any](all []T, text func(T) string) string {
	const most = 20
	var out []string
	for _, x := range all[:min(len(all), most)] {
		out = append(out, text(x))
	}
	if len(all) > most {
		out = append(out, fmt.Sprintf("and %d more", len(all)-most))
	}
	return strings.Join(out, ", ")
}

// openMember finds a member's bytes and reads its header.
func openMember(ctx context.Context, in *format.Input, f *zip.File, name string) (m *member, err error) {
	if !strings.HasSuffix(f.Name, suffix) {
		return nil, fmt.Errorf("its name does not end in %s; is it an array?", suffix)
	}
	if f.Flags&1 != 0 {
		return nil, fmt.Errorf("is encrypted; save it without a password")
	}
	at, err := f.DataOffset()
	if err != nil {
		return nil, err
	}
	size := uint64(in.Size)
	if at < 0 || f.CompressedSize64 > size || uint64(at) > size-f.CompressedSize64 {
		return nil, fmt.Errorf("truncated: %d bytes at %d in a file of %d", f.CompressedSize64, at, in.Size)
	}
	m = &member{name: name}
	switch f.Method {
	case zip.Store:
		if f.CompressedSize64 != f.UncompressedSize64 {
			return nil, fmt.Errorf("%d bytes are stored, and %d are said to be; the directory is wrong", f.CompressedSize64, f.UncompressedSize64)
		}
		m.src = source{in, int(at), int(f.CompressedSize64)}
		return m, m.open(ctx)
	case zip.Deflate:
		m.packed = &packed{in: in, at: int(at), size: int(f.CompressedSize64), crc: f.CRC32, turn: make(chan struct{}, 1)}
		// Deflate makes at most 1032 bytes of one.
		if f.UncompressedSize64/1032 > f.CompressedSize64+1 {
			return nil, fmt.Errorf("says that %d bytes become %d, which cannot be", f.CompressedSize64, f.UncompressedSize64)
		}
		m.packed.length = int(f.UncompressedSize64)
		if m.head, err = m.packed.header(ctx); err == nil {
			m.odd = m.head.length % 8
		}
		return m, err
	}
	return nil, fmt.Errorf("is compressed by method %d; save it by np.savez_compressed", f.Method)
}
