// What the editor offers while one types: the team's tables and views with their columns, and the words and functions of SQL.
import type { Completion, CompletionContext, CompletionResult, CompletionSource } from "@codemirror/autocomplete";
import { completeFromList, ifNotIn, insertCompletionText, pickedCompletion } from "@codemirror/autocomplete";
import { schemaCompletionSource, type SQLNamespace } from "@codemirror/lang-sql";
import type { EditorView } from "@codemirror/view";
import type { Column } from "../api/client";
import { duckdb, functions, keywords, quoted, types } from "./dialect";

export interface Relation {
    name: string;
    kind: "table" | "view";
    columns: readonly Column[];
}

const COLUMNS_MAX = 500;
const WORD = /[\p{L}\p{N}_]*$/u;
const outside = ["QuotedIdentifier", "String", "LineComment", "BlockComment", "."];

/** Writes its brackets as well, and goes between them. */
function call(view: EditorView, completion: Completion, from: number, to: number): void {
    const followed = view.state.sliceDoc(to, to + 1) === "(";
    const text = followed ? completion.label : `${completion.label}()`;
    const inside = completion.detail === "()" || followed ? 0 : -1;
    const change = insertCompletionText(view.state, text, from, to);
    view.dispatch(change, { annotations: pickedCompletion.of(completion) });
    const { head } = view.state.selection.main;
    if (inside) view.dispatch({ selection: { anchor: head + inside } });
}

const words: readonly Completion[] = [
    ...keywords.split(" ").map((word) => ({ label: word.toUpperCase(), type: "keyword", boost: -1 })),
    ...types.split(" ").map((word) => ({ label: word.toUpperCase(), type: "type", detail: "type", boost: -2 })),
    ...functions.map(([name, args, gives]) => ({
        label: name,
        type: "function",
        detail: `(${args})`,
        info: gives,
        apply: call,
    })),
];

function named(column: Column, of?: Relation): Completion {
    const { column_name: label, column_type } = column;
    const detail = of ? `${column_type} · ${of.name}` : column_type;
    return { label, apply: quoted(label), type: "property", detail, boost: 2 };
}

/** Tables and views, and behind a dot their columns. */
function schemaOf(relations: readonly Relation[]): SQLNamespace {
    return Object.fromEntries(
        relations.map(({ name, kind, columns }) => [
            name.replaceAll(".", "\\."),
            {
                self: { label: name, apply: quoted(name), type: "class", detail: kind, boost: 1 },
                children: columns.map((column) => named(column)),
            },
        ]),
    );
}

/** Those that the text speaks of; before it does, all. */
function spokenOf(text: string, relations: readonly Relation[]): readonly Relation[] {
    const said = new Set(
        Array.from(text.toLowerCase().matchAll(/"((?:[^"]|"")+)"|[\p{L}\p{N}_]+/gu), (m) => m[1] ?? m[0]),
    );
    const some = relations.filter(({ name }) => said.has(name.toLowerCase()));
    return some.length ? some : relations;
}

function columnSource(relations: readonly Relation[]): CompletionSource {
    return (context: CompletionContext): CompletionResult | null => {
        const word = context.matchBefore(WORD);
        const before = context.state.sliceDoc(Math.max(context.pos - 40, 0), word?.from ?? context.pos);
        if (!word || before.endsWith(".") || before.endsWith('"')) return null;
        if (word.from === word.to && !context.explicit) return null;
        const options = spokenOf(context.state.doc.toString(), relations)
            .flatMap((relation) => relation.columns.map((column) => named(column, relation)))
            .slice(0, COLUMNS_MAX);
        return { from: word.from, options, validFor: /^[\p{L}\p{N}_]*$/u };
    };
}

/** Behind a dot there are columns, and nothing else. */
const notBehindDot =
    (source: CompletionSource): CompletionSource =>
    (context) => {
        const from = context.matchBefore(WORD)?.from ?? context.pos;
        return context.state.sliceDoc(Math.max(from - 1, 0), from) === "." ? null : source(context);
    };

export function completion(relations: readonly Relation[]) {
    const sources = [
        schemaCompletionSource({ dialect: duckdb, schema: schemaOf(relations) }),
        ifNotIn(outside, columnSource(relations)),
        ifNotIn(outside, notBehindDot(completeFromList(words))),
    ];
    return sources.map((autocomplete) => duckdb.language.data.of({ autocomplete }));
}
