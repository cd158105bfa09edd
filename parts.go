package darray

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/format"
	"github.com/darray-go/darray/partition"
)

// A frame that is written in parts is a directory with one file a rank and a manifest. The ranks write into a hidden directory beside it,
// which takes its place when all of it is on the disk.

// manifestName is hidden from Open as a file of data, and read by it first.
const manifestName = "_manifest.json"

// manifest lists the files of a directory in the order of their rows.
type manifest struct {
	Format string         `json:"format"`
	Rows   int            `json:"rows"`
	Parts  []manifestPart `json:"parts"`
}

type manifestPart struct {
	File  string `json:"file"`
	Rows  int    `json:"rows"`
	Bytes int64  `json:"bytes"`
}

// maxManifest bounds a manifest, in bytes.
const maxManifest = 64 << 20

// readManifest gives the files that a directory's manifest lists, once it is sure that they are there and as long as it says; nil where there is
// no manifest.
func readManifest(dir string) ([]string, error) {
	path := filepath.Join(dir, manifestName)
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil // there is none
	}
	if info.Size() > maxManifest {
		return nil, fmt.Errorf("%s: has %d bytes; it is no manifest of darray's", path, info.Size())
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var m manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, fmt.Errorf("%s: %w; remove it to open what files there are", path, err)
	}
	var files []string
	for _, p := range m.Parts {
		if !filepath.IsLocal(p.File) {
			return nil, fmt.Errorf("%s: names %q, which is not below it", path, p.File)
		}
		file := filepath.Join(dir, p.File)
		switch info, err := os.Stat(file); {
		case err != nil:
			return nil, fmt.Errorf("%s lists %s: %w; copy the directory again, with all of its files", path, p.File, err)
		case info.Size() != p.Bytes:
			return nil, fmt.Errorf("%s: has %d bytes, %s says %d; copy it again", file, info.Size(), manifestName, p.Bytes)
		}
		files = append(files, file)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s: lists no parts", path)
	}
	return files, nil
}

// partOrder is what a rank is told to write.
type partOrder struct {
	Path    string        `json:"path"`
	Columns []orderColumn `json:"columns"`
	Rows    int           `json:"rows"`
	Options WriteOptions  `json:"options"`
}

// orderColumn is a column of a part: a part of what the ranks keep, by number, or one that is carried along, which the rank reads.
type orderColumn struct {
	Name  string        `json:"name"`
	Part  int           `json:"part"` // -1: carried
	From  *array.Source `json:"from,omitempty"`
	Masks [][]byte      `json:"masks,omitempty"` // bits, one after another
}

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
	if o.Format == "" {
		o.Format = builtin[0].Name
	}
	to, err := formatNamed(o.Format)
	if err != nil {
		return fmt.Errorf("write %s: %w", dir, err)
	}
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
	temp := filepath.Join(filepath.Dir(dir), fmt.Sprintf(".%s.%08x.tmp", filepath.Base(dir), rand.Uint32()))
	if err := os.Mkdir(temp, 0o777); err != nil {
		return fmt.Errorf("write %s: %w; check the folder and the right to write in it", dir, err)
	}
	state := "no directory was made"
	if old {
		state = "the directory of that name is as it was"
	}
	err = c.fill(ctx, f, temp, to, o)
	if err == nil {
		err = replaceDir(temp, dir, old)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w; %s", dir, err, state), os.RemoveAll(temp))
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

// fill writes the parts and the manifest into a new directory.
func (c *Cluster) fill(ctx context.Context, f *Frame, temp string, to format.Format, o WriteOptions) error {
	kept, release, err := c.keepFrame(ctx, f)
	if err != nil {
		return err
	}
	defer release()
	var parts []manifestPart
	if kept == nil {
		parts, err = c.fillHere(ctx, f, temp, to, o)
	} else {
		parts, err = c.fillByRanks(ctx, f, kept, temp, to, o)
	}
	if err != nil {
		return err
	}
	raw, err := json.MarshalIndent(manifest{Format: to.Name, Rows: f.rows, Parts: parts}, "", " ")
	if err != nil {
		return err
	}
	out, err := format.NewOutput(filepath.Join(temp, manifestName))
	if err != nil {
		return err
	}
	defer out.Abort()
	if _, err := out.Write(append(raw, '\n')); err != nil {
		return out.Fail(err)
	}
	return out.Commit()
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

func partName(dir string, k int, to format.Format) string {
	return filepath.Join(dir, fmt.Sprintf("part-%05d%s", k, to.Extensions[0]))
}

// fillHere writes as many parts as there are ranks in this process.
func (c *Cluster) fillHere(ctx context.Context, f *Frame, temp string, to format.Format, o WriteOptions) ([]manifestPart, error) {
	f, err := c.computeWhole(ctx, f)
	if err != nil {
		return nil, err
	}
	layout := partition.Balanced(f.rows, c.size)
	var parts []manifestPart
	for r := range c.size {
		rows := layout.Range(r)
		if rows.Empty() && r > 0 {
			continue
		}
		path := partName(temp, r, to)
		part := f.Slice(rows.Lo, rows.Hi)
		if cut, ok := f.cut(rows.Lo, rows.Hi); ok {
			part = cut
		}
		next, stop := c.pieces(ctx, part)
		own := o
		if o.Progress != nil {
			own.Progress = func(done, _ int) { o.Progress(rows.Lo+done, f.rows) }
		}
		err := writeFile(ctx, to, path, f.Schema(), own, rows.Len(), next)
		stop()
		if err != nil {
			return nil, err
		}
		p, err := partAt(path, rows.Len())
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	return parts, nil
}

// partAt is a part that has been written.
func partAt(path string, rows int) (manifestPart, error) {
	info, err := os.Stat(path)
	if err != nil {
		return manifestPart{}, err
	}
	return manifestPart{File: filepath.Base(path), Rows: rows, Bytes: info.Size()}, nil
}

// fillByRanks has each rank write its part.
func (c *Cluster) fillByRanks(ctx context.Context, f *Frame, kept []Array, temp string, to format.Format, o WriteOptions) ([]manifestPart, error) {
	layout := kept[0].node.Parts().Layout
	progress := o.Progress
	o.Progress = nil
	nodes := make([]*array.Node, len(kept))
	for i, a := range kept {
		nodes[i] = a.node
	}
	answers, err := c.driver.Call(ctx, func(rank int) ([]byte, error) {
		rows := layout.Range(rank)
		order := partOrder{Path: partName(temp, rank, to), Rows: rows.Len(), Options: o}
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
		return nil, err
	}
	var parts []manifestPart
	for r, raw := range answers {
		var p manifestPart
		if err := json.Unmarshal(raw, &p); err != nil {
			return nil, fmt.Errorf("rank %d: %w", r, err)
		}
		if p.Rows == 0 {
			continue
		}
		if here, err := partAt(filepath.Join(temp, p.File), p.Rows); err != nil || here != p {
			return nil, errors.Join(fmt.Errorf("rank %d has written %s of %d bytes where rank 0 does not see it; write to a folder that all ranks share", r, p.File, p.Bytes), err)
		}
		parts = append(parts, p)
	}
	if len(parts) == 0 { // no rows: the columns all the same
		return c.fillHere(ctx, f, temp, to, o)
	}
	if progress != nil {
		progress(f.rows, f.rows)
	}
	return parts, nil
}

// carry describes rows of a carried column so that another process can read them.
func (o *orderColumn) carry(part *array.Node, whole bool, n *array.Node) error {
	if part == nil && whole {
		part = n
	}
	for part != nil && part.Kind() == array.KindFilter {
		b := part.Args()[1].Block()
		if b == nil {
			break
		}
		bits := array.NewBlock(Bool, Shape{b.Len()}, false)
		bits.Put(0, b)
		raw, _, _ := bits.Raw()
		o.Masks = append([][]byte{raw}, o.Masks...)
		part = part.Args()[0]
	}
	if part == nil || part.Kind() != array.KindFile {
		return errors.New("its rows cannot be told to other ranks; this is a fault")
	}
	o.From = part.Source()
	if o.From.Rows == nil {
		all := *o.From
		all.Rows = []partition.Range{{Lo: 0, Hi: part.Shape()[0]}}
		o.From = &all
	}
	return nil
}

// writePart is what a rank does that is told to write its part.
func (ts *tables) writePart(ctx context.Context, payload []byte, blocks []*Block) ([]byte, error) {
	var order partOrder
	if err := json.Unmarshal(payload, &order); err != nil {
		return nil, fmt.Errorf("an order to write that cannot be read: %w", err)
	}
	if order.Rows == 0 {
		return json.Marshal(manifestPart{})
	}
	to, err := formatNamed(order.Options.Format)
	if err != nil {
		return nil, err
	}
	t := &carrier{tables: ts}
	defer t.close()
	fields, columns := make([]arrow.Field, len(order.Columns)), make([]arrow.Array, len(order.Columns))
	for i, col := range order.Columns {
		if col.Part >= len(blocks) {
			return nil, fmt.Errorf("an order to write part %d of %d", col.Part, len(blocks))
		}
		if col.Part >= 0 {
			columns[i], err = blocks[col.Part].ArrowRows()
		} else {
			columns[i], err = t.carried(ctx, &col)
		}
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", col.Name, err)
		}
		if columns[i].Len() != order.Rows {
			return nil, fmt.Errorf("%w: column %q has %d rows here, the part %d", ErrShape, col.Name, columns[i].Len(), order.Rows)
		}
		fields[i] = arrow.Field{Name: col.Name, Type: columns[i].DataType(), Nullable: true}
	}
	s := arrow.NewSchema(fields, nil)
	at, step := 0, 1<<20
	err = writeFile(ctx, to, order.Path, s, order.Options, order.Rows, func() (arrow.RecordBatch, error) {
		if at >= order.Rows {
			return nil, io.EOF
		}
		lo, hi := at, min(at+step, order.Rows)
		at = hi
		part := make([]arrow.Array, len(columns))
		for i, a := range columns {
			part[i] = arrowarray.NewSlice(a, int64(lo), int64(hi))
		}
		return arrowarray.NewRecordBatch(s, part, int64(hi-lo)), nil
	})
	if err != nil {
		return nil, err
	}
	p, err := partAt(order.Path, order.Rows)
	if err != nil {
		return nil, err
	}
	return json.Marshal(p)
}

// carried reads the rows of a column that this rank is told of.
func (t *carrier) carried(ctx context.Context, col *orderColumn) (arrow.Array, error) {
	if col.From == nil {
		return nil, errors.New("an order without a source")
	}
	rows := 0
	for _, r := range col.From.Rows {
		rows += r.Len()
	}
	a, err := t.read(ctx, col.From, rows)
	for _, bits := range col.Masks {
		if err != nil {
			return nil, err
		}
		if len(bits) < array.Bool.BufferSize(a.Len()) {
			return nil, errors.New("an order with a mask that is too short")
		}
		var mask *Block
		if mask, err = array.WrapBlock(Bool, a.Len(), 0, bits, nil, nil); err == nil {
			a, err = choose(a, mask)
		}
	}
	return a, err
}

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
