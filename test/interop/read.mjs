// node read.mjs reads jobs from its input, a list of {path, types, programs}, and prints for each a map of program to its columns, or to the
// text of its error.
import { readFileSync } from "node:fs";
import * as arrowjs from "./arrowjs.mjs";
import * as duckdb from "./duckdb.mjs";
import * as polars from "./polars.mjs";

const readers = { "apache-arrow": (path) => arrowjs.read(readFileSync(path)), polars: polars.read, duckdb: duckdb.read, sql: duckdb.query };
const out = [];
for (const { path, types, programs } of JSON.parse(readFileSync(0))) {
  const answers = {};
  for (const program of programs) {
    try {
      answers[program] = { columns: await readers[program](path, types) };
    } catch (e) {
      answers[program] = { error: e.message };
    }
  }
  out.push(answers);
}
process.stdout.write(JSON.stringify(out));
