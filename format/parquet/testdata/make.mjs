// Makes the files of this folder by DuckDB and Polars, and duckdb.json and polars.json with what they hold:
//   npm install @duckdb/node-api@1.5.6-r.1 nodejs-polars@0.26.1 && node make.mjs
// in a folder beside a copy of this script. Values are texts: of dates days, of times and timestamps microseconds (of timestamp_ns
// nanoseconds), of blobs hexadecimal digits, of nested ones JSON.
import { DuckDBInstance } from '@duckdb/node-api';
import fs from 'node:fs';
import pl from 'nodejs-polars';

const n = 40;
const columns = { // SQL of a value by i, and of its text by the column's name
  b: ['i % 3 = 0', 'b::varchar'],
  i8: ['(i * 6 - 120)::tinyint', 'i8::varchar'],
  i16: ['(i * 1001 - 20000)::smallint', 'i16::varchar'],
  i32: ['(i * 100000001 - 2000000000)::integer', 'i32::varchar'],
  i64: ['(i * 1000000000000007 - 9000000000000000)::bigint', 'i64::varchar'],
  u8: ['(i * 6)::utinyint', 'u8::varchar'],
  u16: ['(i * 1600)::usmallint', 'u16::varchar'],
  u32: ['(i * 107000000)::uinteger', 'u32::varchar'],
  u64: ['(i::hugeint * 460000000000000000)::ubigint', 'u64::varchar'],
  f32: ["(case i % 10 when 3 then 'nan' when 5 then '-inf' else (i / 7)::varchar end)::float", 'f32::varchar'],
  f64: ["(case i % 20 when 3 then 'inf' when 5 then '-0.0' else (i / 7 - 2)::varchar end)::double", 'f64::varchar'],
  d: ["date '1969-12-20' + i::integer", "(d - date '1970-01-01')::varchar"],
  t: ["time '01:02:03.000004' + to_seconds(i * 1000)", 'epoch_us(t)::varchar'],
  ts: ["timestamp '1969-12-31 23:59:50.000001' + to_seconds(i)", 'epoch_us(ts)::varchar'],
  tsms: ["(timestamp '2020-02-29 12:00:00.123' + to_days(i::integer))::timestamp_ms", 'epoch_us(tsms::timestamp)::varchar'],
  tsns: ["make_timestamp_ns(1234567890123456789 + i * 1000000007)", 'epoch_ns(tsns)::varchar'],
  tstz: ["to_timestamp(i * 86400.5)", 'epoch_us(tstz)::varchar'],
  s: ["case i % 4 when 0 then '' when 1 then 'größe ' || i else repeat('ab', i::integer) end", 's'],
  bin: ["(case i % 2 when 0 then '\\x00\\xFF' else 'abc' end)::blob", 'hex(bin)'],
  dec: ['(i * 1234567 / 100 - 100000)::decimal(15,2)', 'dec::varchar'],
  big: ["(i::hugeint * 1234567890123 * 1000000007)::decimal(38,4)", 'big::varchar'],
  e: ["(case i % 3 when 0 then 'red' when 1 then 'green' else 'blue' end)::color", 'e::varchar'],
  l: ['case i % 3 when 0 then [] when 1 then [i, null] else [i, i + 1, i + 2] end', 'to_json(l)::varchar'],
  st: ["{'x': i, 'y': case i % 2 when 0 then null else 'y' || i end}", 'to_json(st)::varchar'],
  ll: ["[[i], [], [i + 1, null]]", 'to_json(ll)::varchar'],
};

const db = await DuckDBInstance.create(':memory:');
const c = await db.connect();
await c.run("create type color as enum ('red', 'green', 'blue'); set timezone = 'UTC'");
const select = Object.entries(columns).map(([name, [sql]], k) => `case when (i + ${k}) % 7 = 0 then null else ${sql} end as ${name}`);
await c.run(`create table t as select ${select.join(', ')} from range(${n}) r(i)`);
const texts = Object.entries(columns).map(([name, [, sql]]) => `(${sql}) as ${name}`);
const rows = (await c.runAndReadAll(`select ${texts.join(', ')} from t`)).getRowObjectsJson();
const expected = {};
for (const name of Object.keys(columns)) expected[name] = rows.map((r) => r[name]);
fs.writeFileSync('duckdb.json', JSON.stringify(expected));
for (const version of ['V1', 'V2']) {
  for (const codec of version === 'V1' ? ['snappy', 'lz4_raw', 'gzip'] : ['zstd', 'brotli']) {
    await c.run(`copy t to 'duckdb-${version}-${codec}.parquet' (format parquet, compression ${codec}, parquet_version ${version})`);
  }
}

const i = [...Array(n).keys()];
const hole = (k, v) => i.map((x) => ((x + k) % 7 === 0 ? null : v(x)));
const data = {
  i: hole(0, (x) => x * 1000 - 7),
  f: hole(1, (x) => x / 7),
  s: hole(2, (x) => 'text ' + (x % 5)),
  b: hole(3, (x) => x % 3 === 0),
  l: hole(4, (x) => [x, x + 1]),
};
fs.writeFileSync('polars.json', JSON.stringify(Object.fromEntries(Object.entries(data).map(([name, v]) =>
  [name, v.map((x) => (x === null ? null : Array.isArray(x) ? JSON.stringify(x) : String(x)))]))));
const df = pl.DataFrame({
  i: pl.Series('i', data.i, pl.Int64), f: pl.Series('f', data.f, pl.Float64), s: pl.Series('s', data.s, pl.Utf8),
  b: pl.Series('b', data.b, pl.Bool), l: pl.Series('l', data.l, pl.List(pl.Float64)),
});
for (const codec of ['snappy', 'gzip', 'brotli', 'zstd', 'lz4']) df.writeParquet(`polars-${codec}.parquet`, { compression: codec });
