// DuckDB and Polars as contenders of `darray bench io`: node io.mjs duckdb|polars THREADS FOLDER.
//
// The packages are those of FOLDER/node_modules, or of NODE_PATH. Questions come a line of JSON each on stdin, answers go to stdout;
// compute.py beside this file explains the words. Here "prepare" has a file instead of a kernel:
//
//   {"do": "prepare", "file": {"path": "x.parquet", "format": "parquet", "compression": "zstd", "columns": ["a", "b"]}}
//       the sums of those columns are to be read from the file: "check" gives them, "run" times it, opening included
//   {"do": "prepare", "file": {"path": "y.csv", "format": "csv", "write": true, "source": "values.parquet"}}
//       the columns of source are read into memory, and "run" times writing them to path, until they are on the disk
//
// An answer to "run" has the most memory that the process has held since "prepare", in bytes.

import { closeSync, fsyncSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";

const [name, threads, folder] = process.argv.slice(2);
const require = createRequire(join(folder, "rival.js"));

// Unavailable is a case that a rival does not have.
class Unavailable extends Error {}

const text = (s) => "'" + s.replaceAll("'", "''") + "'"; // in SQL
const word = (s) => '"' + s.replaceAll('"', '""') + '"';
const uncompressed = (c) => (c === "none" ? "uncompressed" : c);

async function duckdb() {
  const { DuckDBInstance, version } = require("@duckdb/node-api");
  const instance = await DuckDBInstance.create(":memory:", { threads });
  const db = await instance.connect();
  const readers = { parquet: "read_parquet", csv: "read_csv" };
  let sql = "";
  return {
    about: `DuckDB ${version()} by @duckdb/node-api, ${threads} threads`,
    async prepare(f) {
      if (!readers[f.format]) {
        throw new Unavailable(f.format === "arrow" ? "DuckDB reads and writes Arrow IPC only by an extension that is downloaded" : "DuckDB has no ." + f.format);
      }
      if (!f.write) {
        sql = `SELECT ${f.columns.map((c) => `sum(${word(c)})`).join(", ")} FROM ${readers[f.format]}(${text(f.path)})`;
        return;
      }
      await db.run(`CREATE OR REPLACE TABLE source AS SELECT * FROM read_parquet(${text(f.source)})`);
      const how = f.format === "csv" ? "FORMAT csv, HEADER" : `FORMAT parquet, COMPRESSION ${uncompressed(f.compression)}`;
      sql = `COPY source TO ${text(f.path)} (${how})`;
    },
    async read() {
      return (await (await db.runAndReadAll(sql)).getRows())[0];
    },
    async write() {
      await db.run(sql);
    },
  };
}

async function polars() {
  process.env.POLARS_MAX_THREADS = threads;
  const pl = require("nodejs-polars");
  const scanners = { parquet: pl.scanParquet, csv: pl.scanCSV, arrow: pl.scanIPC };
  let file, frame;
  return {
    about: `Polars by nodejs-polars ${pl.version}, ${threads} threads`,
    prepare(f) {
      if (!scanners[f.format]) {
        throw new Unavailable("Polars has no ." + f.format);
      }
      file = f;
      if (f.write) {
        frame = pl.readParquet(f.source);
      }
    },
    read() {
      return scanners[file.format](file.path)
        .select(...file.columns.map((c) => pl.col(c).sum()))
        .collectSync()
        .row(0);
    },
    write() {
      const o = { compression: uncompressed(file.compression) };
      switch (file.format) {
        case "csv":
          return frame.writeCSV(file.path);
        case "arrow":
          return frame.writeIPC(file.path, o);
        default:
          return frame.writeParquet(file.path, o);
      }
    },
  };
}

// sync waits until a file is on the disk, as darray's writing does.
function sync(path) {
  const f = openSync(path, "r+");
  fsyncSync(f);
  closeSync(f);
}

function resetPeak() {
  try {
    writeFileSync("/proc/self/clear_refs", "5");
  } catch {} // other systems do not tell
}

function peak() {
  try {
    return 1024 * Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync("/proc/self/status", "latin1"))[1]);
  } catch {
    return 0;
  }
}

// rest waits, a second at most, until this process uses no CPU time.
async function rest() {
  for (let i = 0, used = process.cpuUsage(); i < 500; i++) {
    await new Promise((done) => setTimeout(done, 2));
    const now = process.cpuUsage(used);
    if (now.user + now.system < 400) return;
    used = process.cpuUsage();
  }
}

async function serve(rival) {
  let file;
  const call = async () => {
    if (!file.write) return rival.read();
    await rival.write();
    sync(file.path);
  };
  const timed = async () => {
    if (file.write) rmSync(file.path, { force: true });
    const start = process.hrtime.bigint();
    await call();
    return Number(process.hrtime.bigint() - start) / 1e9;
  };
  const answers = {
    async prepare(q) {
      file = undefined;
      await rival.prepare(q.file);
      file = q.file;
      resetPeak();
      return {};
    },
    async check() {
      return { check: (await call()) ?? [] };
    },
    async run(q) {
      if (!q.warm) await call();
      const runs = [];
      const end = performance.now() + 1000 * q.limit;
      while (runs.length === 0 || (runs.length < q.repeat && performance.now() < end)) {
        let took = 0;
        for (let i = 0; i < q.inner; i++) took += await timed();
        runs.push(took / q.inner);
      }
      return { runs_s: runs, peak_bytes: peak() };
    },
    async free() {
      file = undefined;
      return {};
    },
  };
  const say = (answer) => process.stdout.write(JSON.stringify(answer) + "\n");
  say({ about: rival.about });
  for await (const line of createInterface({ input: process.stdin })) {
    let answer;
    try {
      const q = JSON.parse(line);
      answer = await answers[q.do](q);
    } catch (err) {
      answer = err instanceof Unavailable ? { unavailable: err.message } : { error: String(err.message ?? err) };
    }
    await rest();
    say(answer);
  }
}

try {
  await serve(await { duckdb, polars }[name]());
} catch (err) {
  console.error(String(err.message ?? err).split("\n")[0]);
  process.exit(1);
}
process.exit(0);
