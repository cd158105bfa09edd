package arrowipc

import (
	"encoding/binary"

	flatbuffers "github.com/google/flatbuffers/go"
)

// messagePrefix is what stands before n bytes of metadata; before none it is the end of a stream.
func messagePrefix(n int) []byte {
	b := binary.LittleEndian.AppendUint32(nil, continuation)
	return binary.LittleEndian.AppendUint32(b, uint32(n))
}

// header is what a dictionary's message says beside its batch.
type header struct {
	id    int64
	delta bool
}

// message is the metadata of a batch, or of a dictionary's.
func (b *body) message(rows int, c codec, d *header) []byte {
	f := flatbuffers.NewBuilder(64 + 16*(len(b.nodes)+len(b.buffers)))
	nodes := pairs(f, b.nodes)
	var at []pair
	length := 0
	for _, buffer := range b.buffers {
		at = append(at, pair{length, len(buffer)})
		length += len(buffer) + padding(len(buffer))
	}
	buffers := pairs(f, at)
	var compression, views flatbuffers.UOffsetT
	if c != codecNone {
		f.StartObject(2)
		f.PrependInt8Slot(0, int8(c-1), 0)
		compression = f.EndObject()
	}
	if len(b.views) > 0 {
		f.StartVector(8, len(b.views), 8)
		for i := range b.views {
			f.PrependInt64(int64(b.views[len(b.views)-1-i]))
		}
		views = f.EndVector(len(b.views))
	}
	f.StartObject(5)
	f.PrependInt64Slot(batchRows, int64(rows), 0)
	f.PrependUOffsetTSlot(batchNodes, nodes, 0)
	f.PrependUOffsetTSlot(batchBuffers, buffers, 0)
	f.PrependUOffsetTSlot(batchCompression, compression, 0)
	f.PrependUOffsetTSlot(batchViews, views, 0)
	batch, kind := f.EndObject(), kindBatch
	if d != nil {
		f.StartObject(3)
		f.PrependInt64Slot(dictionaryID, d.id, 0)
		f.PrependUOffsetTSlot(dictionaryBatch, batch, 0)
		f.PrependBoolSlot(dictionaryDelta, d.delta, false)
		batch, kind = f.EndObject(), kindDictionary
	}
	f.StartObject(5)
	f.PrependInt64Slot(messageBody, int64(length), 0)
	f.PrependUOffsetTSlot(messageHeader, batch, 0)
	f.PrependInt16Slot(messageVersion, versionV5, 0)
	f.PrependByteSlot(messageKind, byte(kind), 0)
	f.Finish(f.EndObject())
	return f.FinishedBytes()
}

// pair is a struct of two numbers: an array's rows and nulls, or a buffer's place and length.
type pair [2]int

func pairs(f *flatbuffers.Builder, all []pair) flatbuffers.UOffsetT {
	f.StartVector(nodeSize, len(all), 8)
	for i := range all {
		p := all[len(all)-1-i]
		f.PrependInt64(int64(p[1]))
		f.PrependInt64(int64(p[0]))
	}
	return f.EndVector(len(all))
}

// footer lists where all is. The schema in it is the schema's message as a whole, which has only offsets within itself: the footer refers
// to the table inside.
func (e *encoder) footer() []byte {
	f := flatbuffers.NewBuilder(256 + len(e.said) + blockSize*(len(e.batches)+len(e.dictionaries)))
	f.Prep(8, len(e.said))
	for i := range e.said {
		f.PlaceByte(e.said[len(e.said)-1-i])
	}
	t, _ := root(e.said)
	schema, _ := t.table(messageHeader)
	at := f.Offset() - flatbuffers.UOffsetT(schema.at)
	dictionaries, batches := blocks(f, e.dictionaries), blocks(f, e.batches)
	f.StartObject(5)
	f.PrependUOffsetTSlot(footerSchema, at, 0)
	f.PrependUOffsetTSlot(footerDictionaries, dictionaries, 0)
	f.PrependUOffsetTSlot(footerBatches, batches, 0)
	f.PrependInt16Slot(footerVersion, versionV5, 0)
	f.Finish(f.EndObject())
	return f.FinishedBytes()
}

// footerMessage is the schema of a footer as the message that arrow-go reads schemas from: the footer as a whole lies in it. The
// zero message if there is no schema.
func footerMessage(b []byte, footer table) message {
	schema, ok := footer.table(footerSchema)
	if !ok || schema.f.at(schema.at, 4) == nil {
		return message{}
	}
	version := footer.u16(footerVersion)
	f := flatbuffers.NewBuilder(256 + len(b))
	f.Prep(8, len(b))
	for i := range b {
		f.PlaceByte(b[len(b)-1-i])
	}
	at := f.Offset() - flatbuffers.UOffsetT(schema.at)
	f.StartObject(5)
	f.PrependUOffsetTSlot(messageHeader, at, 0)
	f.PrependInt16Slot(messageVersion, int16(version), 0)
	f.PrependByteSlot(messageKind, kindSchema, 0)
	f.Finish(f.EndObject())
	said := f.FinishedBytes()
	return message{kind: kindSchema, version: int(version), header: schema, meta: append(messagePrefix(len(said)), said...)}
}

func blocks(f *flatbuffers.Builder, all []block) flatbuffers.UOffsetT {
	f.StartVector(blockSize, len(all), 8)
	for i := range all {
		b := all[len(all)-1-i]
		f.Prep(8, blockSize)
		f.PrependInt64(int64(b.body))
		f.Pad(4)
		f.PrependInt32(int32(b.meta))
		f.PrependInt64(int64(b.at))
	}
	return f.EndVector(len(all))
}
