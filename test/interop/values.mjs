// The values that all programs write and read, as text that no program rounds: null; "true"; integers in decimals; floats as
// ECMAScript prints them, and -0, NaN, Infinity; bytes in hexadecimals; decimals with all their digits; moments, dates and times in
// nanoseconds since 1970 or midnight; lists as arrays; structs as objects; maps as arrays of {key, value}.

const day = 86_400_000_000_000n;
const s = 1_000_000_000n;
const times = (unit, ...ticks) => ticks.map((t) => (t === null ? null : String(BigInt(t) * unit)));

// every is one row short of what fits a byte of a bitmap, with nulls first, last and between.
const every = [
  ["bool", "bool", ["true", "false", null, "true", "true", "false", null]],
  ["i8", "int8", ["-128", "127", "0", null, "1", "-1", "5"]],
  ["i16", "int16", [null, "-32768", "32767", "0", "1", "-1", "5"]],
  ["i32", "int32", ["-2147483648", "2147483647", "0", "1", null, null, "5"]],
  ["i64", "int64", ["-9223372036854775808", "9223372036854775807", null, "0", "9007199254740993", "-1", "5"]],
  ["u8", "uint8", ["0", "255", "1", null, "2", "3", "4"]],
  ["u16", "uint16", ["0", "65535", "1", "2", "3", "4", null]],
  ["u32", "uint32", [null, "4294967295", "1", "2", "3", "4", "0"]],
  ["u64", "uint64", ["0", "18446744073709551615", null, "1", "9007199254740993", "3", "4"]],
  ["f32", "float32", ["NaN", "Infinity", "-Infinity", "-0", null, "3.4028234663852886e+38", "1.401298464324817e-45"]],
  ["f64", "float64", ["NaN", "-Infinity", "Infinity", "-0", "5e-324", "1.7976931348623157e+308", null]],
  ["str", "utf8", ["", "ä€𝄞", 'comma, "quotes"\nand a line', null, "x", "longer than what a view holds inside: \u0000 no, just text".replace("\u0000", "null"), "null"]],
  ["bin", "binary", ["", "00ff80", null, "0a0d22", "61", "00".repeat(20), "ff"]],
  ["date", "date32", times(day, 0, -1, null, 19782, 2932896, -141427, 11016)],
  ["time_us", "time64[us]", times(1000n, 0, 86_399_999_999n, null, 1, 43_200_000_000n, 2, 3)],
  ["time_ns", "time64[ns]", times(1n, 0, 86_399_999_999_999n, null, 1, 43_200_000_000_000n, 2, 3)],
  ["ts_s", "timestamp[s]", times(s, 0, -1, null, 1_709_164_800, 4_102_444_800, 1, 2)],
  ["ts_ms", "timestamp[ms]", times(1_000_000n, 0, -1, null, 1_709_164_800_123, 4_102_444_800_001, 1, 2)],
  ["ts_us", "timestamp[us]", times(1000n, 0, -1, null, 1_709_164_800_123_456n, 253_402_300_799_999_999n, -62_135_596_800_000_000n, 2)],
  ["ts_ns", "timestamp[ns]", times(1n, 0, -1, null, 1_709_164_800_123_456_789n, 9_223_372_036_854_775_806n, -9_223_286_400_000_000_000n, 2)],
  ["ts_utc", "timestamp[us, tz=UTC]", times(1000n, null, -1, 0, 1_709_164_800_123_456n, 1, 2, 3)],
  ["ts_zone", "timestamp[ms, tz=Europe/Berlin]", times(1_000_000n, 0, -1, null, 1_711_846_800_000, 1, 2, 3)],
  ["dur", "duration[us]", times(1000n, 0, -1, null, 86_400_000_000n, 1, 2, 3)],
  ["dec", "decimal(18, 4)", ["0.0000", "-99999999999999.9999", "99999999999999.9999", null, "0.0001", "1.5000", "-1.0000"]],
  ["dec38", "decimal(38, 10)", ["0.0000000000", "-9999999999999999999999999999.9999999999", "1.0000000001", null, "9999999999999999999999999999.9999999999", "1.5000000000", "-1.0000000000"]],
  ["cat", "dictionary<values=utf8, indices=int32, ordered=false>", ["b", "a", null, "b", "", "ä", "a"]],
  ["list", "list<item: int32, nullable>", [["1", null, "-3"], [], null, ["4"], [null], ["5", "6", "7", "8"], []]],
  ["lists", "list<item: list<item: utf8, nullable>, nullable>", [[["a", null], [], null], null, [], [["ä"]], [[]], [null], [["b"], ["c", ""]]]],
  ["pair", "fixed_size_list<item: int32, nullable>[2]", [["1", "2"], null, ["3", null], ["5", "6"], ["7", "8"], ["9", "10"], [null, null]]],
  ["struct", "struct<a: int64, b: utf8>", [{ a: "1", b: "x" }, { a: null, b: "" }, null, { a: "-9223372036854775808", b: null }, { a: "2", b: "ä" }, { a: null, b: null }, { a: "3", b: "y" }]],
  ["map", "map<utf8, int32, items_nullable>", [[{ key: "a", value: "1" }], [], null, [{ key: "b", value: null }, { key: "c", value: "2" }], [], [], [{ key: "", value: "3" }]]],
].map(([name, type, values]) => ({ name, type, values }));

// none has the same columns and no rows.
const none = every.map((c) => ({ ...c, values: [] }));

// long is for files of several row groups; row i of column name is the text that value gives.
const rows = 2500;
const at = {
  n: ["int64", (i) => String(i - (i % 4))],
  word: ["utf8", (i) => (i % 11 === 5 ? null : "w" + ((i >> 4) % 37))],
  big: ["bool", (i) => String(i >= 1000)],
};
const long = Object.entries(at).map(([name, [type, value]]) => ({ name, type, values: Array.from({ length: rows }, (_, i) => value(i)) }));

export const tables = { every, none, long };

// pick is the named columns of a table.
export const pick = (table, names) => names.map((n) => table.find((c) => c.name === n));

// float is the text of a float.
export const float = (v) => (v === null || v === undefined ? null : Object.is(v, -0) ? "-0" : String(v));

// hex is the text of bytes.
export const hex = (bytes) => Buffer.from(bytes.buffer ?? bytes, bytes.byteOffset ?? 0, bytes.byteLength).toString("hex");

// decimal is the text of an integer with a point before its last digits.
export function decimal(v, scale) {
  const digits = String(v < 0n ? -v : v).padStart(scale + 1, "0");
  return (v < 0n ? "-" : "") + digits.slice(0, digits.length - scale) + (scale > 0 ? "." + digits.slice(-scale) : "");
}

export const unitOf = (name) => ({ s: s, ms: 1_000_000n, us: 1000n, ns: 1n })[name];
export const dayOf = day;
