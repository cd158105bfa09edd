package darray

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/format"
	"github.com/darray-go/darray/partition"
)

// A frame that is written in parts is a directory with one file a rank and a manifest. The ranks write files without names, so that nothing is left
// where one is killed. When all are on the disk they get names in a hidden directory, which then takes the place of the old one.

// WriteParts computes all columns on the default cluster and writes them as a directory of files, one a rank that has rows of it, and a manifest that
// lists them in order: Open(dir) reads them as one frame. Ranks write at the same time, to a folder that all of them see. The directory takes the place of an
// older one, which has to be one of WriteParts, when all is on the disk; a failure leaves that whole. Columns of files that are carried along have to be
// within every rank's reach. It blocks.
func (f *Frame) WriteParts(ctx context.Context, dir string, o WriteOptions) error {
	c, err := Default()
	if err != nil {
		return err
	}
	return c.WriteParts(ctx, f, dir, o)
}

// WriteParts is Frame.WriteParts on this cluster.
func (c *Cluster) WriteParts(ctx context.Context, f *Frame, dir string, o WriteOptions) error {
	if c.spmd {
		return fmt.Errorf("write %s: where every rank runs the program, each writes its own files; use Main for a directory of parts, or write one file", dir)
	}
	if _, ok, _ := storeOf(dir); ok {
		return fmt.Errorf("write %s: a store has no directories that could be there whole or not at all; write one file there, or parts to a disk", dir)
	}
	if o.Format == "" {
		o.Format = builtin[0].Name
	}
	to, err := format.ToWrite(o.Format, formats())
	if err != nil {
		return fmt.Errorf("write %s: %w", dir, err)
	}
	o.Format = to.Name // for the ranks
	if dir, err = filepath.Abs(dir); err != nil {
		return fmt.Errorf("write %s: %w", dir, err)
	}
	old, err := replaceable(dir)
	if err != nil {
		return fmt.Errorf("write %w", err)
	}
	if f, err = c.resolveFrame(ctx, f); err != nil {
		return err
	}
	if err := c.writeParts(ctx, f, dir, to, o, old); err != nil {
		state := "no directory was made"
		if old {
			state = "the directory of that name is as it was"
		}
		return fmt.Errorf("write %s: %w; %s", dir, err, state)
	}
	return nil
}

// writeParts writes the parts, then names them.
func (c *Cluster) writeParts(ctx context.Context, f *Frame, dir string, to format.Format, o WriteOptions, old bool) error {
	kept, release, err := c.keepFrame(ctx, f)
	if err != nil {
		return err
	}
	defer release()
	w := &partWriter{cluster: c, to: to, options: o, beside: dir, id: rand.Uint64()}
	defer w.drop()
	if kept == nil {
		err = w.writeHere(ctx, f)
	} else {
		err = w.writeByRanks(ctx, f, kept)
	}
	if err != nil {
		return err
	}
	temp := filepath.Join(filepath.Dir(dir), fmt.Sprintf(".%s.%08x.tmp", filepath.Base(dir), rand.Uint32()))
	if err := os.Mkdir(temp, 0o777); err != nil {
		return err
	}
	if err = w.place(ctx, temp, f.rows); err == nil {
		err = replaceDir(temp, dir, old)
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(temp))
	}
	return nil
}

// replaceable reports whether a directory is there that may be replaced.
func replaceable(dir string) (old bool, err error) {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case !info.IsDir():
		return false, fmt.Errorf("%s: is a file; choose another name, or write one file", dir)
	}
	if files, err := readManifest(dir); err != nil || files == nil {
		return false, errors.Join(fmt.Errorf("%s: is a directory without a manifest of darray's; remove it first, or choose another name", dir), err)
	}
	return true, nil
}

// keepFrame leaves the computed columns with the ranks; nil where they are rank 0's alone. release lets go of them.
func (c *Cluster) keepFrame(ctx context.Context, f *Frame) (kept []Array, release func(), err error) {
	var arrays []Array
	for _, col := range f.columns {
		if !isCarried(col.a.n()) {
			arrays = append(arrays, col.a)
		}
	}
	release = func() {
		for _, a := range kept {
			a.Release()
		}
	}
	if len(arrays) == 0 || c.size == 1 {
		return nil, release, nil
	}
	if kept, err = c.Persist(ctx, arrays...); err != nil {
		return nil, release, err
	}
	var layout *partition.Layout
	for _, a := range kept {
		p := a.node.Parts()
		if p == nil || p.Far || p.Layout.N() != f.rows || layout != nil && !layout.Equal(p.Layout) { // of more axes, on devices, or computed at one place
			release()
			return nil, func() {}, nil
		}
		layout = &p.Layout
	}
	return kept, release, nil
}

// partWriter writes the parts of one directory.
type partWriter struct {
	cluster *Cluster
	to      format.Format
	options WriteOptions
	beside  string // files are made in its folder
	id      uint64 // the ranks know what they have written by it
	parts   []manifestPart
	here    []*format.Output // what this process has written of them; nil: the ranks have
	placed  bool
}

func (w *partWriter) name(k int) string { return fmt.Sprintf("part-%05d%s", k, w.to.Extensions[0]) }

// writeHere writes as many parts as there are ranks in this process.
func (w *partWriter) writeHere(ctx context.Context, f *Frame) error {
	c := w.cluster
	f, err := c.computeWhole(ctx, f)
	if err != nil {
		return err
	}
	layout := partition.Balanced(f.rows, c.size)
	for r := range c.size {
		rows := layout.Range(r)
		if rows.Empty() && r > 0 {
			continue
		}
		part := f.Slice(rows.Lo, rows.Hi)
		if cut, ok := f.cut(rows.Lo, rows.Hi); ok {
			part = cut
		}
		out, err := format.NewOutput(w.beside + w.to.Extensions[0])
		if err != nil {
			return err
		}
		w.here = append(w.here, out)
		own := w.options
		if own.Progress != nil {
			own.Progress = func(done, _ int) { w.options.Progress(rows.Lo+done, f.rows) }
		}
		next, stop := c.pieces(ctx, part)
		err = encode(ctx, w.to, out, f.Schema(), own, rows.Len(), next)
		stop()
		if err == nil {
			err = out.Sync()
		}
		if err != nil {
			return err
		}
		w.parts = append(w.parts, manifestPart{File: w.name(r), Rows: rows.Len()})
	}
	return nil
}

// writeByRanks has each rank write its part.
func (w *partWriter) writeByRanks(ctx context.Context, f *Frame, kept []Array) error {
	layout := kept[0].node.Parts().Layout
	nodes := make([]*array.Node, len(kept))
	for i, a := range kept {
		nodes[i] = a.node
	}
	own := w.options
	own.Progress = nil
	_, err := w.cluster.driver.Call(ctx, func(rank int) ([]byte, error) {
		rows := layout.Range(rank)
		order := partOrder{ID: w.id, Rank: rank, Path: w.beside + w.to.Extensions[0], Rows: rows.Len(), Options: own}
		next := 0
		for _, col := range f.columns {
			n := col.a.n()
			oc := orderColumn{Name: col.name, Part: next}
			if isCarried(n) {
				oc.Part = -1
				if err := oc.carry(array.Cut(n, rows.Lo, rows.Hi), rows.Len() == n.Shape()[0], n); err != nil {
					return nil, fmt.Errorf("column %q: %w", col.name, err)
				}
			} else {
				next++
			}
			order.Columns = append(order.Columns, oc)
		}
		return json.Marshal(order)
	}, nodes)
	if err != nil {
		return err
	}
	for r := range layout.Ranks() {
		if n := layout.Range(r).Len(); n > 0 {
			w.parts = append(w.parts, manifestPart{File: w.name(r), Rows: n})
		}
	}
	if len(w.parts) == 0 { // no rows: the columns all the same
		return w.writeHere(ctx, f)
	}
	if w.options.Progress != nil {
		w.options.Progress(f.rows, f.rows)
	}
	return nil
}

// place gives the parts their names in a new directory, and adds the manifest.
func (w *partWriter) place(ctx context.Context, dir string, rows int) error {
	for k, out := range w.here {
		if err := out.CommitAs(filepath.Join(dir, w.parts[k].File)); err != nil {
			return err
		}
	}
	if w.here == nil {
		_, err := w.cluster.driver.Call(ctx, func(rank int) ([]byte, error) {
			return json.Marshal(partOrder{ID: w.id, Rank: rank, Place: filepath.Join(dir, w.name(rank))})
		}, nil)
		if err != nil {
			return err
		}
	}
	w.placed = true
	for k := range w.parts {
		info, err := os.Stat(filepath.Join(dir, w.parts[k].File))
		if err != nil {
			return fmt.Errorf("a rank has written %s where rank 0 does not see it: %w; write to a folder that all ranks share", w.parts[k].File, err)
		}
		w.parts[k].Bytes = info.Size()
	}
	raw, err := json.MarshalIndent(manifest{Format: w.to.Name, Rows: rows, Parts: w.parts}, "", " ")
	if err != nil {
		return err
	}
	out, err := format.NewOutput(filepath.Join(dir, manifestName))
	if err != nil {
		return err
	}
	defer out.Abort()
	if _, err := out.Write(append(raw, '\n')); err != nil {
		return out.Fail(err)
	}
	return out.Commit()
}

// drop lets go of what has no name yet, here and, where the ranks are still there, with them.
func (w *partWriter) drop() {
	for _, out := range w.here {
		out.Abort()
	}
	if w.here == nil && !w.placed {
		ctx, cancel := context.WithTimeout(context.Background(), dropTime)
		defer cancel()
		// A rank that is lost has let go already.
		_, _ = w.cluster.driver.Call(ctx, func(rank int) ([]byte, error) { return json.Marshal(partOrder{ID: w.id, Rank: rank, Drop: true}) }, nil)
	}
}

// dropTime is how long ranks are waited for that are to let go of files.
const dropTime = time.Second

// replaceInSteps puts a directory in the place of another where the system cannot do that at once: if the process is killed between two steps, the old
// one is there under its hidden name.
func replaceInSteps(from, to string) error {
	aside := from + ".old"
	if err := os.Rename(to, aside); err != nil {
		return err
	}
	if err := os.Rename(from, to); err != nil {
		return errors.Join(err, os.Rename(aside, to))
	}
	return os.RemoveAll(aside)
}
