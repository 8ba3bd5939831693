// DuckDB's SQL as the editor knows it: its words, its types, the functions that are most asked for, and how a name is written.
import { SQLDialect } from "@codemirror/lang-sql";

export const keywords =
    "all and any anti as asc asof at between by case cast collate columns cross current desc distinct else end except " +
    "exclude exists extract fetch filter first following for from full glob group grouping having ilike in inner " +
    "intersect interval is isnull join last lateral left like limit natural not notnull null nulls offset on or order " +
    "outer over partition percent pivot positional preceding qualify range recursive replace right row rows rollup cube " +
    "sample select semi sets similar some table tablesample then ties to try_cast unbounded union unnest unpivot using " +
    "values when where window with within";

export const types =
    "bigint blob boolean bool date decimal double float hugeint int integer interval json numeric real smallint text time " +
    "timestamp timestamptz tinyint ubigint uinteger usmallint utinyint uuid varchar";

/** Words that name nothing unless they stand in quotes. */
const reserved = new Set(
    (
        "all analyse analyze and any array as asymmetric both case cast check collate column constraint create default " +
        "deferrable desc describe distinct do else end except false fetch for foreign from group having in initially " +
        "intersect into lambda lateral leading limit not null offset on only or order pivot pivot_longer pivot_wider " +
        "placing primary qualify references returning select show some summarize symmetric table then to trailing true " +
        "union unique unpivot using variadic when where window with"
    ).split(" "),
);

export function quoted(name: string): string {
    const plain = /^[a-z_][a-z0-9_]*$/i.test(name) && !reserved.has(name.toLowerCase());
    return plain ? name : `"${name.replaceAll('"', '""')}"`;
}

/** Name, arguments, what it gives. */
export const functions: readonly (readonly [name: string, args: string, gives: string])[] = [
    ["count", "x", "how many rows, or values that are not NULL"],
    ["sum", "x", "the sum"],
    ["avg", "x", "the average"],
    ["min", "x", "the smallest"],
    ["max", "x", "the largest"],
    ["median", "x", "the value in the middle"],
    ["mode", "x", "the value that is there most often"],
    ["quantile_cont", "x, share", "the value below which that share lies"],
    ["stddev", "x", "the standard deviation of a sample"],
    ["variance", "x", "the variance of a sample"],
    ["first", "x", "the first value of a group"],
    ["any_value", "x", "one value of a group that is not NULL"],
    ["arg_max", "x, y", "x of the row with the largest y"],
    ["arg_min", "x, y", "x of the row with the smallest y"],
    ["count_if", "condition", "how many rows it holds for"],
    ["bool_and", "condition", "whether it holds for all rows"],
    ["bool_or", "condition", "whether it holds for any row"],
    ["string_agg", "text, between", "the texts of a group in one"],
    ["list", "x", "the values of a group as a list"],
    ["approx_count_distinct", "x", "about how many values there are"],
    ["row_number", "", "the number of the row in its window"],
    ["rank", "", "the rank in its window, with gaps after ties"],
    ["dense_rank", "", "the rank in its window, without gaps"],
    ["ntile", "n", "which of n parts of its window the row is in"],
    ["lag", "x, rows", "x of a row before"],
    ["lead", "x, rows", "x of a row after"],
    ["first_value", "x", "x of the first row of the window"],
    ["last_value", "x", "x of the last row of the window"],
    ["abs", "x", "without its sign"],
    ["round", "x, digits", "rounded to that many digits"],
    ["floor", "x", "the whole number at or below"],
    ["ceil", "x", "the whole number at or above"],
    ["trunc", "x", "without its fraction"],
    ["mod", "x, y", "what is left of x divided by y"],
    ["power", "x, y", "x to the power of y"],
    ["sqrt", "x", "the square root"],
    ["exp", "x", "e to the power of x"],
    ["ln", "x", "the natural logarithm"],
    ["log10", "x", "the logarithm to base 10"],
    ["greatest", "x, y", "the largest of its arguments"],
    ["least", "x, y", "the smallest of its arguments"],
    ["ifnull", "x, y", "x, or y where x is NULL"],
    ["nullif", "x, y", "NULL where both are the same, else x"],
    ["lower", "text", "in small letters"],
    ["upper", "text", "in capital letters"],
    ["length", "text", "how many characters"],
    ["trim", "text", "without blanks at its ends"],
    ["concat", "x, y", "its arguments in one text"],
    ["concat_ws", "between, x, y", "its arguments in one text, with something between"],
    ["substring", "text, from, length", "a part of it"],
    ["left", "text, n", "its first characters"],
    ["right", "text, n", "its last characters"],
    ["replace", "text, old, new", "with one text put in place of another"],
    ["split_part", "text, between, n", "the n-th part"],
    ["string_split", "text, between", "its parts as a list"],
    ["strpos", "text, part", "where a part begins, or 0"],
    ["contains", "text, part", "whether a part is in it"],
    ["starts_with", "text, part", "whether it begins so"],
    ["ends_with", "text, part", "whether it ends so"],
    ["lpad", "text, n, with", "filled up on the left"],
    ["rpad", "text, n, with", "filled up on the right"],
    ["reverse", "text", "from its end to its start"],
    ["repeat", "text, n", "n times"],
    ["format", "pattern, x", "x in a pattern: format('{:.2f}', x)"],
    ["regexp_matches", "text, pattern", "whether a pattern is in it"],
    ["regexp_extract", "text, pattern, group", "what fits a pattern"],
    ["regexp_replace", "text, pattern, new", "with what fits a pattern put in another's place"],
    ["levenshtein", "a, b", "how many letters differ"],
    ["md5", "text", "its MD5 sum"],
    ["now", "", "the time of the refresh"],
    ["today", "", "the day of the refresh"],
    ["date_trunc", "part, time", "the start of its 'hour', 'day', 'month' ..."],
    ["date_part", "part, time", "its 'year', 'month', 'hour' ... as a number"],
    ["date_diff", "part, from, to", "how many 'day', 'month' ... borders lie between"],
    ["date_add", "time, interval", "so much later"],
    ["time_bucket", "width, time", "the start of the interval it falls into"],
    ["age", "to, from", "the time between two"],
    ["year", "time", "its year"],
    ["quarter", "time", "its quarter, 1 to 4"],
    ["month", "time", "its month, 1 to 12"],
    ["week", "time", "its week by ISO 8601"],
    ["day", "time", "its day of the month"],
    ["dayname", "time", "the name of its day"],
    ["monthname", "time", "the name of its month"],
    ["hour", "time", "its hour"],
    ["minute", "time", "its minute"],
    ["epoch", "time", "seconds since 1970"],
    ["to_timestamp", "seconds", "the time so long after 1970"],
    ["make_date", "year, month, day", "a date of its parts"],
    ["strftime", "time, pattern", "the time as a text: '%Y-%m-%d'"],
    ["strptime", "text, pattern", "the time in a text"],
    ["last_day", "date", "the last day of its month"],
    ["generate_series", "from, to, step", "a row for each number or time"],
    ["range", "from, to, step", "the same without the last"],
    ["unnest", "list", "a row for each value of a list"],
    ["list_contains", "list, x", "whether x is in it"],
    ["list_filter", "list, x -> condition", "the values for which it holds"],
    ["list_transform", "list, x -> value", "each value made into another"],
    ["len", "list", "how many values"],
    ["json_extract", "json, path", "a part of it, as JSON: '$.a.b'"],
    ["json_extract_string", "json, path", "a part of it, as text"],
    ["json_array_length", "json", "how many values"],
    ["json_keys", "json", "its names"],
    ["to_json", "x", "a value as JSON"],
    ["typeof", "x", "the name of its type"],
    ["hash", "x", "a number made of it"],
    ["random", "", "a number from 0 to 1, another each time"],
];

export const duckdb = SQLDialect.define({
    keywords,
    types,
    builtin: functions.map(([name]) => name).join(" "),
    caseInsensitiveIdentifiers: true,
    doubleDollarQuotedStrings: true,
    operatorChars: "*+-%<>!=&|~^/@",
    specialVar: "",
});
