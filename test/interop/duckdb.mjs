// What DuckDB writes and reads.
import { dayOf, decimal, float, hex, unitOf } from "./values.mjs";
import { need } from "./modules.mjs";

const { DuckDBInstance } = need("@duckdb/node-api");
const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
const connection = await instance.connect();
await connection.run("SET TimeZone = 'UTC'; SET preserve_insertion_order = true");

const quoted = (v) => `'${String(v).replaceAll("'", "''")}'`;
const unit = (type) => type.match(/\[(m?u?n?s)/)?.[1];

// typeOf is DuckDB's name of a type.
function typeOf(type) {
  const plain = {
    bool: "BOOLEAN", int8: "TINYINT", int16: "SMALLINT", int32: "INTEGER", int64: "BIGINT", uint8: "UTINYINT", uint16: "USMALLINT", uint32: "UINTEGER",
    uint64: "UBIGINT", float32: "FLOAT", float64: "DOUBLE", utf8: "VARCHAR", binary: "BLOB", date32: "DATE", "time64[us]": "TIME", "time64[ns]": "TIME_NS",
    "timestamp[s]": "TIMESTAMP_S", "timestamp[ms]": "TIMESTAMP_MS", "timestamp[us]": "TIMESTAMP", "timestamp[ns]": "TIMESTAMP_NS",
    "timestamp[us, tz=UTC]": "TIMESTAMPTZ", uuid: "UUID",
  }[type];
  if (plain) return plain;
  if (type.startsWith("decimal")) return type.replace("decimal", "DECIMAL");
  if (type.startsWith("dictionary")) return "ENUM('b', 'a', '', 'ä')";
  if (type.startsWith("list<item: list")) return "VARCHAR[][]";
  if (type.startsWith("list")) return "INTEGER[]";
  if (type.startsWith("fixed_size_list")) return "INTEGER[2]";
  if (type.startsWith("struct")) return 'STRUCT("a" BIGINT, "b" VARCHAR)';
  if (type.startsWith("map")) return "MAP(VARCHAR, INTEGER)";
  throw new Error(`DuckDB has no ${type}`);
}

// literal is a value in SQL.
function literal(type, v) {
  if (v === null) return `NULL::${typeOf(type)}`;
  const as = (text) => `(${text})::${typeOf(type)}`;
  const nested = (x) => x === null ? "NULL" : Array.isArray(x) ? `[${x.map(nested)}]` : quoted(x);
  if (type === "binary") return `from_hex(${quoted(v)})`;
  if (type === "date32") return `(DATE '1970-01-01' + ${BigInt(v) / dayOf}::INTEGER)`;
  if (type === "time64[us]") return `(TIME '00:00:00' + to_microseconds(${BigInt(v) / 1000n}))`;
  if (type === "time64[ns]") return as(quoted(new Date(Number(BigInt(v) / 1_000_000n)).toISOString().slice(11, 19) + "." + (BigInt(v) % 1_000_000_000n).toString().padStart(9, "0")));
  if (type === "timestamp[ns]") return `make_timestamp_ns(${v}::BIGINT)`;
  if (type.startsWith("timestamp")) return as(`make_timestamp(${BigInt(v) / 1000n}::BIGINT)${type.includes("UTC") ? " AT TIME ZONE 'UTC'" : ""}`);
  if (type.startsWith("map")) return as(`map_from_entries([${v.map((e) => `{k: ${quoted(e.key)}, v: ${nested(e.value)}}`)}]::STRUCT(k VARCHAR, v INTEGER)[])`);
  if (type.startsWith("struct")) return as(`{a: ${nested(v.a)}, b: ${nested(v.b)}}`);
  if (Array.isArray(v)) return as(nested(v));
  return as(quoted(v));
}

// write makes a file by COPY with options.
export async function write(path, columns, options) {
  await connection.run(`CREATE OR REPLACE TEMP TABLE t (${columns.map((c) => `"${c.name}" ${typeOf(c.type)}`)})`);
  const rows = columns[0].values.map((_, i) => `(${columns.map((c) => literal(c.type, c.values[i]))})`);
  for (let at = 0; at < rows.length; at += 1000) await connection.run(`INSERT INTO t VALUES ${rows.slice(at, at + 1000)}`);
  await connection.run(`COPY t TO ${quoted(path)} (${options})`);
}

// text is a value as DuckDB's own objects have it.
function text(v, type) {
  const name = v?.constructor?.name ?? "";
  if (v === null || v === undefined) return null;
  if (typeof v === "number") return float(v);
  if (typeof v === "string") return v;
  if (typeof v === "bigint" || typeof v === "boolean") return String(v);
  switch (name.replace(/^_?DuckDB/, "")) {
    case "BlobValue": return hex(v.bytes);
    case "DateValue": return String(BigInt(v.days) * dayOf);
    case "TimeValue": case "TimestampValue": case "TimestampTZValue": return String(v.micros * 1000n);
    case "TimeNSValue": case "TimestampNanosecondsValue": return String(v.nanos ?? v.nanoseconds);
    case "TimestampMillisecondsValue": return String(v.millis * unitOf("ms"));
    case "TimestampSecondsValue": return String(v.seconds * unitOf("s"));
    case "DecimalValue": return decimal(v.value, v.scale);
    case "UUIDValue": return v.toString();
    case "IntervalValue": return String(v.months) + "m" + v.days + "d" + v.micros + "us";
    case "ListValue": case "ArrayValue": return v.items.map((x) => text(x));
    case "StructValue": return Object.fromEntries(Object.entries(v.entries).map(([k, x]) => [k, text(x)]));
    case "MapValue": return v.entries.map((e) => ({ key: text(e.key), value: text(e.value) }));
  }
  throw new Error(`no text of ${name} ${type}`);
}

// query gives the columns of an answer.
export async function query(sql) {
  const reader = await connection.runAndReadAll(sql);
  const values = reader.getColumns();
  return reader.columnNames().map((name, i) => ({ name, type: String(reader.columnType(i)), values: (values[i] ?? []).map((v) => text(v, reader.columnType(i))) }));
}

// read gives the columns of a Parquet file, or of text of types.
export const read = (path, types = []) => {
  if (path.endsWith(".parquet")) return query(`SELECT * FROM read_parquet(${quoted(path)})`);
  const sql = types.map(([n, t]) => `${quoted(n)}: ${quoted(typeOf(t))}`);
  return query(`SELECT * FROM read_csv(${quoted(path)}, header = true, auto_detect = false, delim = ',', quote = '"', escape = '"', nullstr = '', allow_quoted_nulls = false, columns = {${sql}})`);
};
