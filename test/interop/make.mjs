// node make.mjs FOLDER writes files of every program, and expected.json, which says what is in them: for each file its table, the columns
// of it, and the Arrow types that it has there where they are others than the table's.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as arrowjs from "./arrowjs.mjs";
import * as duckdb from "./duckdb.mjs";
import * as polars from "./polars.mjs";
import { pick, tables } from "./values.mjs";

const [out] = process.argv.slice(2);
mkdirSync(out, { recursive: true });
const files = {};
const names = (except = []) => tables.every.map((c) => c.name).filter((n) => !except.includes(n));
const few = ["bool", "i8", "u64", "f32", "str", "ts_us", "list"];
const nested = ["i64", "str", "bin", "cat", "list", "lists", "struct", "map"];
const text = ["bool", "i64", "u64", "f64", "str", "date", "ts_us", "ts_utc"];

// one notes what is in a file that write makes; refused is part of the error where it is not to be read.
async function one(file, program, table, columns, write, refused) {
  files[file] = { program, table, columns, refused };
  await write(join(out, file), pick(tables[table], columns));
}

const viaArrow = (kind, cuts) => (path, columns) => writeFileSync(path, arrowjs.write(columns, kind, cuts));
await one("js.arrow", "apache-arrow", "every", names(), viaArrow("file", [0, 3]));
await one("js.arrows", "apache-arrow", "every", nested, viaArrow("stream", [0]));
await one("js-batches.arrows", "apache-arrow", "every", few, viaArrow("stream", [0, 3, 3, 5]));
await one("js-none.arrow", "apache-arrow", "none", nested, viaArrow("file", [0]));
await one("js-none.arrows", "apache-arrow", "none", few, viaArrow("stream", [0]));

const viaPolars = (options) => (path, columns) => polars.write(path, columns, options);
await one("polars.arrow", "polars", "every", names(["lists", "struct", "map", "bin"]), viaPolars({ format: "arrow", compression: "uncompressed" }));
await one("polars-none.arrow", "polars", "none", few, viaPolars({ format: "arrow", compression: "uncompressed" }));
await one("polars-lz4.arrow", "polars", "every", nested, viaPolars({ format: "arrow", compression: "lz4" }));
await one("polars-zstd.arrows", "polars", "every", nested, viaPolars({ format: "stream", compression: "zstd" }));
await one("polars-lz4.arrows", "polars", "every", few, viaPolars({ format: "stream", compression: "lz4" }));
await one("polars-views.arrow", "polars", "every", nested, viaPolars({ format: "views", compression: "zstd" }));
await one("polars.parquet", "polars", "every", names(), viaPolars({ format: "parquet", compression: "zstd" }));
await one("polars-none.parquet", "polars", "none", few, viaPolars({ format: "parquet", compression: "zstd" }));
for (const compression of ["uncompressed", "snappy", "gzip", "brotli", "lz4"]) {
  await one(`polars-${compression}.parquet`, "polars", "every", ["u64", "str", "list"], viaPolars({ format: "parquet", compression }));
}
await one("polars-groups.parquet", "polars", "long", ["n", "word", "big"], viaPolars({ format: "parquet", compression: "zstd", groupRows: 1000 }));
await one("polars.csv", "polars", "every", text, viaPolars({ format: "csv" }));
await one("polars-semicolon.csv", "polars", "every", text, viaPolars({ format: "csv", separator: ";" }));

const notDuckDB = ["ts_zone", "dur", "pair"]; // it has no moments in zones, its intervals have months, and arrays are below
const copy = (options) => (path, columns) => duckdb.write(path, columns, options);
await one("duckdb-v1.parquet", "duckdb", "every", names(notDuckDB), copy("FORMAT parquet, PARQUET_VERSION v1, COMPRESSION snappy"));
await one("duckdb-v2.parquet", "duckdb", "every", names([...notDuckDB, "i32", "u32"]), copy("FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd"));
await one("duckdb-v2-wide.parquet", "duckdb", "every", ["i32"], copy("FORMAT parquet, PARQUET_VERSION v2"));
await one("duckdb-v2-first.parquet", "duckdb", "every", ["u32"], copy("FORMAT parquet, PARQUET_VERSION v2"));
await one("duckdb-array.parquet", "duckdb", "every", ["pair"], copy("FORMAT parquet"), "null and not empty");
await one("duckdb-none.parquet", "duckdb", "none", names(notDuckDB), copy("FORMAT parquet"));
for (const version of ["v1", "v2"]) {
  for (const compression of ["uncompressed", "snappy", "gzip", "zstd", "brotli", "lz4_raw"]) {
    await one(`duckdb-${version}-${compression}.parquet`, "duckdb", "every", few, copy(`FORMAT parquet, PARQUET_VERSION ${version}, COMPRESSION ${compression}`));
  }
  await one(`duckdb-groups-${version}.parquet`, "duckdb", "long", ["n", "word", "big"], copy(`FORMAT parquet, PARQUET_VERSION ${version}, COMPRESSION zstd, ROW_GROUP_SIZE 2048`));
}
await one("duckdb.csv", "duckdb", "every", text, copy("FORMAT csv, HEADER"));
await one("duckdb.tsv", "duckdb", "every", text, copy("FORMAT csv, HEADER, DELIMITER '\t'"));
await one("duckdb.csv.gz", "duckdb", "every", text, copy("FORMAT csv, HEADER, COMPRESSION gzip"));

writeFileSync(join(out, "expected.json"), JSON.stringify({ every: tables.every, long: tables.long.map(({ name, type }) => ({ name, type })), files }, null, 1).replace(/\n {3,}/g, "") + "\n");
