// Files for uploads: CSV from arrays, Parquet by a writer from npm, and the reading of what comes back.
import { parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { parquetWriteBuffer } from "hyparquet-writer";

export function csv(header, rows) {
    return `${[header, ...rows].map((row) => row.join(",")).join("\n")}\n`;
}

/** Columns as {name, data, type}; types as hyparquet-writer names them. */
export function parquet(columnData, more = {}) {
    return Buffer.from(parquetWriteBuffer({ columnData, ...more }));
}

export async function parquetRows(bytes) {
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
    return parquetReadObjects({ file, compressors });
}

/** Lines of CSV without quotes. */
export function csvRows(bytes) {
    const lines = bytes.toString().trimEnd().split(/\r?\n/);
    return lines.map((line) => line.split(","));
}

export function range(n) {
    return Array.from({ length: n }, (_, i) => i);
}
