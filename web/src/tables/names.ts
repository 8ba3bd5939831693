// A name for the table that a file becomes.
const MAX_BYTES = 63;

/** Of the file's name, what can be written in SQL without quotes. */
export function nameOf(file: string): string {
    const plain = file
        .replace(/\.(csv|tsv|txt|parquet|pq)(\.gz)?$/i, "")
        .normalize("NFC")
        .toLowerCase()
        .replace(/[^\p{L}\p{N}]+/gu, "_")
        .replace(/^_+|_+$/g, "");
    let name = /^\p{N}/u.test(plain) ? `t_${plain}` : plain || "table_1";
    while (new TextEncoder().encode(name).length > MAX_BYTES) name = name.slice(0, -1);
    return name;
}
