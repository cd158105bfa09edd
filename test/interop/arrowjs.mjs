// What apache-arrow of JavaScript writes and reads. Values go in and out through the buffers of columns where its own setters and getters
// would round: they take moments as floats of milliseconds.
import { need } from "./modules.mjs";
import { decimal, dayOf, float, hex, unitOf } from "./values.mjs";

const arrow = need("apache-arrow");
const units = { s: arrow.TimeUnit.SECOND, ms: arrow.TimeUnit.MILLISECOND, us: arrow.TimeUnit.MICROSECOND, ns: arrow.TimeUnit.NANOSECOND };
const field = (name, type) => new arrow.Field(name, type, true);

// typeOf is the type that a text like "timestamp[us, tz=UTC]" names.
function typeOf(text) {
  const [, word, arg] = text.match(/^([a-z0-9_]+)(?:[[(](.*?)[\])])?/);
  const [first, second] = (arg ?? "").split(", ");
  switch (word) {
    case "bool": return new arrow.Bool();
    case "int8": return new arrow.Int8();
    case "int16": return new arrow.Int16();
    case "int32": return new arrow.Int32();
    case "int64": return new arrow.Int64();
    case "uint8": return new arrow.Uint8();
    case "uint16": return new arrow.Uint16();
    case "uint32": return new arrow.Uint32();
    case "uint64": return new arrow.Uint64();
    case "float32": return new arrow.Float32();
    case "float64": return new arrow.Float64();
    case "utf8": return new arrow.Utf8();
    case "binary": return new arrow.Binary();
    case "date32": return new arrow.DateDay();
    case "time64": return first === "us" ? new arrow.TimeMicrosecond() : new arrow.TimeNanosecond();
    case "timestamp": return new arrow.Timestamp(units[first], second?.slice(3) ?? null);
    case "duration": return new arrow.Duration(units[first]);
    case "decimal": return new arrow.Decimal(Number(second), Number(first), 128);
    case "dictionary": return new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32());
    case "list": return new arrow.List(field("item", text.includes("list<item: list") ? typeOf("list<utf8") : text.includes("utf8") ? new arrow.Utf8() : new arrow.Int32()));
    case "fixed_size_list": return new arrow.FixedSizeList(2, field("item", new arrow.Int32()));
    case "struct": return new arrow.Struct([field("a", new arrow.Int64()), field("b", new arrow.Utf8())]);
    case "map": return new arrow.Map_(new arrow.Field("entries", new arrow.Struct([new arrow.Field("key", new arrow.Utf8(), false), field("value", new arrow.Int32())]), false));
  }
  throw new Error(`no type ${text}`);
}

// bitmap is a bit for each value, and how many are false.
function bitmap(bits) {
  const bytes = new Uint8Array(Math.ceil(bits.length / 64) * 8);
  bits.forEach((b, i) => { if (b) bytes[i >> 3] |= 1 << (i & 7); });
  return bytes;
}

// dataOf lays values out as the format says. Beneath a null are bytes that must not matter.
function dataOf(type, values) {
  const length = values.length;
  const nullBitmap = bitmap(values.map((v) => v !== null));
  const nullCount = values.filter((v) => v === null).length;
  const props = { type, length, nullCount, nullBitmap };
  const filled = (Typed, of) => arrow.makeData({ ...props, data: Typed.from(values, (v) => (v === null ? of("99") : of(v))) });
  const offsets = (lengths) => { let at = 0; return Int32Array.from([0, ...lengths.map((n) => (at += n))]); };
  const ticks = (unit) => (v) => BigInt(v) / unit;
  if (arrow.DataType.isBool(type)) return arrow.makeData({ ...props, data: bitmap(values.map((v) => v !== "false")) });
  if (arrow.DataType.isInt(type)) return filled(type.ArrayType, type.bitWidth === 64 ? BigInt : Number);
  if (arrow.DataType.isFloat(type)) return filled(type.ArrayType, Number);
  if (arrow.DataType.isDate(type)) return filled(Int32Array, (v) => Number(BigInt(v) / dayOf));
  if (arrow.DataType.isTime(type)) return filled(BigInt64Array, ticks(type.unit === units.us ? 1000n : 1n));
  if (arrow.DataType.isTimestamp(type) || arrow.DataType.isDuration(type)) return filled(BigInt64Array, ticks(unitOf(Object.keys(units).find((u) => units[u] === type.unit))));
  if (arrow.DataType.isDecimal(type)) {
    const data = new Uint32Array(4 * length);
    values.forEach((v, i) => { let n = BigInt.asUintN(128, BigInt((v ?? "99").replace(".", ""))); for (let k = 0; k < 4; k++, n >>= 32n) data[4 * i + k] = Number(n & 0xffffffffn); });
    return arrow.makeData({ ...props, data });
  }
  if (arrow.DataType.isUtf8(type) || arrow.DataType.isBinary(type)) {
    const bytes = values.map((v) => (v === null ? Buffer.from("beneath") : Buffer.from(v, arrow.DataType.isUtf8(type) ? "utf8" : "hex")));
    return arrow.makeData({ ...props, valueOffsets: offsets(bytes.map((b) => b.length)), data: new Uint8Array(Buffer.concat(bytes)) });
  }
  if (arrow.DataType.isDictionary(type)) {
    const words = [...new Set(values.filter((v) => v !== null))];
    const dictionary = new arrow.Vector([dataOf(type.dictionary, words)]);
    return arrow.makeData({ ...props, data: Int32Array.from(values, (v) => (v === null ? 0 : words.indexOf(v))), dictionary });
  }
  if (arrow.DataType.isStruct(type)) {
    return arrow.makeData({ ...props, children: type.children.map((f) => dataOf(f.type, values.map((v) => (v === null ? null : v[f.name])))) });
  }
  if (arrow.DataType.isFixedSizeList(type)) return arrow.makeData({ ...props, child: dataOf(type.children[0].type, values.flatMap((v) => v ?? [null, null])) });
  const items = values.map((v) => v ?? []); // lists and maps
  return arrow.makeData({ ...props, valueOffsets: offsets(items.map((v) => v.length)), child: dataOf(type.children[0].type, items.flat()) });
}

// batchOf is rows of a table; dictionaries may be those of another batch.
const batchOf = (columns) => {
  const types = columns.map((c) => typeOf(c.type));
  const rows = columns[0].values.length;
  const struct = arrow.makeData({
    type: new arrow.Struct(columns.map((c, i) => field(c.name, types[i]))), length: rows, nullCount: 0, children: columns.map((c, i) => dataOf(types[i], c.values)),
  });
  return new arrow.RecordBatch(new arrow.Schema(columns.map((c, i) => field(c.name, types[i]))), struct);
};

// write gives the bytes of a file or stream whose batches begin at the rows of cuts.
export function write(columns, kind, cuts = [0]) {
  const whole = new arrow.Table([batchOf(columns)]);
  const rows = columns[0].values.length;
  if (cuts.length === 1) return arrow.tableToIPC(whole, kind);
  const batches = cuts.flatMap((lo, i) => whole.slice(lo, cuts[i + 1] ?? rows).batches);
  return arrow.tableToIPC(new arrow.Table(batches), kind);
}

// text is element i of a chunk of a column.
function text(data, i) {
  const { type } = data;
  if (arrow.DataType.isNull(type) || !data.getValid(i)) return null;
  const value = (unit) => String(BigInt(data.values[i]) * unit);
  if (arrow.DataType.isBool(type)) return String(data.getValue ? data.getValue(i) : (data.values[(data.offset + i) >> 3] >> ((data.offset + i) & 7) & 1) === 1);
  if (arrow.DataType.isInt(type)) return String(data.values[i]);
  if (arrow.DataType.isFloat(type)) return float(data.values[i]);
  if (arrow.DataType.isDate(type)) return type.unit === arrow.DateUnit.DAY ? value(dayOf) : value(1_000_000n);
  if (arrow.DataType.isTime(type) || arrow.DataType.isTimestamp(type) || arrow.DataType.isDuration(type)) return value(unitOf(Object.keys(units).find((u) => units[u] === type.unit)));
  if (arrow.DataType.isDecimal(type)) {
    const k = type.bitWidth / 32;
    let n = 0n;
    for (let j = k - 1; j >= 0; j--) n = (n << 32n) | BigInt(data.values[k * i + j]);
    return decimal(BigInt.asIntN(type.bitWidth, n), type.scale);
  }
  if (arrow.DataType.isDictionary(type)) {
    const at = data.values[i];
    let rest = at;
    for (const chunk of data.dictionary.data) { if (rest < chunk.length) return text(chunk, rest); rest -= chunk.length; }
    throw new Error(`index ${at} of a dictionary of ${data.dictionary.length}`);
  }
  if (arrow.DataType.isStruct(type)) return Object.fromEntries(type.children.map((f, k) => [f.name, text(data.children[k], i)]));
  if (arrow.DataType.isFixedSizeList(type)) return Array.from({ length: type.listSize }, (_, k) => text(data.children[0], i * type.listSize + k));
  const [lo, hi] = [Number(data.valueOffsets[i]), Number(data.valueOffsets[i + 1])];
  if (arrow.DataType.isUtf8(type) || arrow.DataType.isLargeUtf8(type)) return Buffer.from(data.values.subarray(lo, hi)).toString("utf8");
  if (arrow.DataType.isBinary(type) || arrow.DataType.isLargeBinary(type)) return hex(data.values.subarray(lo, hi));
  if (arrow.DataType.isList(type) || arrow.DataType.isMap(type) || String(type).startsWith("LargeList")) return Array.from({ length: hi - lo }, (_, k) => text(data.children[0], lo + k));
  throw new Error(`no text of ${type}`);
}

// read gives the columns of a file or stream.
export function read(bytes) {
  const table = arrow.tableFromIPC(bytes);
  return table.schema.fields.map((f, k) => ({
    name: f.name, type: String(f.type), values: table.batches.flatMap((b) => Array.from({ length: b.numRows }, (_, i) => text(b.data.children[k], i))),
  }));
}
