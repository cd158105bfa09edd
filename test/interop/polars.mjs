// What polars writes and reads. Its own values come out over an Arrow stream, since toArray rounds.
import { readFileSync } from "node:fs";
import * as arrowjs from "./arrowjs.mjs";
import { need } from "./modules.mjs";

const pl = need("nodejs-polars");

const frame = (columns) => pl.readIPC(Buffer.from(arrowjs.write(columns, "file")));

// write makes a file of a format: arrow, stream, views (a file with string views), parquet, csv.
export function write(path, columns, { format, compression, groupRows, separator = "," }) {
  const df = frame(columns);
  switch (format) {
    case "arrow": return df.writeIPC(path, { compression });
    case "stream": return df.writeIPCStream(path, { compression });
    case "views": return void df.lazy().sinkIpc(path, { compression, compatLevel: "newest" }).collectSync();
    case "parquet": return groupRows ? void df.lazy().sinkParquet(path, { compression, rowGroupSize: groupRows }).collectSync() : df.writeParquet(path, { compression });
    case "csv": return df.writeCSV(path, { separator });
  }
  throw new Error(`no format ${format}`);
}

// dtypeOf is the type in which a column of text is read.
function dtypeOf(type) {
  const ints = { int8: pl.Int8, int16: pl.Int16, int32: pl.Int32, int64: pl.Int64, uint8: pl.UInt8, uint16: pl.UInt16, uint32: pl.UInt32, uint64: pl.UInt64 };
  return { ...ints, bool: pl.Bool, float32: pl.Float32, float64: pl.Float64, utf8: pl.Utf8, date32: pl.Date }[type] ?? pl.Datetime(type.match(/\[(.s)/)[1], type.match(/tz=(.*)\]/)?.[1]);
}

// read gives the columns of a file; of text, those types say which types they have.
export function read(path, types = []) {
  const bytes = readFileSync(path);
  const ends = (...all) => all.some((e) => path.endsWith(e));
  let df;
  if (ends(".arrow")) df = pl.readIPC(bytes);
  else if (ends(".arrows")) df = pl.readIPCStream(bytes);
  else if (ends(".parquet")) df = pl.readParquet(bytes);
  else {
    const schema = Object.fromEntries(types.map(([n, t]) => [n, dtypeOf(t)]));
    df = pl.readCSV(bytes, { schema, tryParseDates: true, missingUtf8IsEmptyString: false });
  }
  return arrowjs.read(df.writeIPCStream({ compression: "uncompressed" }));
}
