// The SQL editor: CodeMirror in a shadow root, where it may have style sheets of its own.
import { useEffect, useRef } from "preact/hooks";
import {
    acceptCompletion,
    autocompletion,
    closeBrackets,
    closeBracketsKeymap,
    closeCompletion,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { bracketMatching, indentUnit } from "@codemirror/language";
import { lintKeymap, setDiagnostics } from "@codemirror/lint";
import { Compartment, EditorState, Prec, Transaction } from "@codemirror/state";
import {
    drawSelection,
    EditorView,
    highlightActiveLineGutter,
    highlightSpecialChars,
    keymap,
    lineNumbers,
    placeholder,
} from "@codemirror/view";
import { tables, views } from "../live/team";
import { completion, type Relation } from "./completion";
import { duckdb } from "./dialect";
import { looks } from "./editor_looks";
import { diagnosticOf, type Fault } from "./fault";

interface EditorProps {
    value: string;
    /** Only with another one is the editor's own text given up for `value`: what is typed is always ahead of it. */
    turn: string;
    label: string;
    hint?: string; // where there is nothing yet
    fault: Fault | null;
    onValue: (text: string) => void;
    onRun: () => void;
}

function relations(): Relation[] {
    return [
        ...Array.from(tables.value.values(), ({ table_name: name, columns }) => ({
            name,
            columns,
            kind: "table" as const,
        })),
        ...Array.from(views.value.values(), ({ view_name: name, columns }) => ({
            name,
            columns,
            kind: "view" as const,
        })),
    ];
}

const known = new Compartment();

/** Left to itself, Chromium gives what replaces a selection its looks by a style attribute, which the page's policy refuses. */
const replacing = EditorView.domEventHandlers({
    beforeinput(event, view) {
        const { from, to, empty } = view.state.selection.main;
        const text = event.data;
        if (event.inputType !== "insertText" || !text || empty || view.composing) return false;
        const insert = () => view.state.update(view.state.replaceSelection(text), { userEvent: "input.type" });
        const taken = view.state.facet(EditorView.inputHandler).some((take) => take(view, from, to, text, insert));
        if (!taken) view.dispatch(insert());
        return true;
    },
});

function extensions(props: () => EditorProps) {
    const run = (view: EditorView) => {
        closeCompletion(view);
        props().onRun();
        return true;
    };
    const { label, hint = "" } = props();
    return [
        Prec.highest(keymap.of([{ key: "Mod-Enter", run }])),
        keymap.of([{ key: "Tab", run: acceptCompletion }]), // else it leaves the editor, as everywhere
        keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, ...lintKeymap]),
        lineNumbers(),
        highlightActiveLineGutter(),
        highlightSpecialChars(),
        history(),
        drawSelection(),
        bracketMatching(),
        closeBrackets(),
        autocompletion({ icons: false }),
        indentUnit.of("    "),
        EditorView.lineWrapping,
        replacing,
        EditorView.contentAttributes.of({ "aria-label": label, "aria-multiline": "true" }),
        EditorView.updateListener.of(({ docChanged, state, transactions }) => {
            const remote = transactions.some((one) => one.annotation(Transaction.remote));
            if (docChanged && !remote) props().onValue(state.doc.toString());
        }),
        placeholder(hint),
        duckdb.language,
        known.of(completion(relations())),
        looks,
    ];
}

export function Editor(props: EditorProps) {
    const { value, turn, fault } = props;
    const place = useRef<HTMLDivElement>(null);
    const editor = useRef<EditorView>();
    const latest = useRef(props);
    latest.current = props;

    useEffect(() => {
        const host = place.current;
        if (!host) return;
        const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
        const state = EditorState.create({ doc: latest.current.value, extensions: extensions(() => latest.current) });
        const view = (editor.current = new EditorView({ state, parent: root, root }));
        return () => view.destroy();
    }, []);

    // What came from elsewhere: a draft that was discarded, an example.
    useEffect(() => {
        const view = editor.current;
        if (!view || view.state.doc.toString() === value) return;
        view.dispatch({
            changes: { from: 0, to: view.state.doc.length, insert: value },
            annotations: Transaction.remote.of(true),
        });
    }, [turn]);

    useEffect(() => {
        const view = editor.current;
        if (!view) return;
        const found = fault ? [diagnosticOf(view.state.doc, fault)] : [];
        view.dispatch(setDiagnostics(view.state, found));
        if (found[0]) view.dispatch({ effects: EditorView.scrollIntoView(found[0].from) });
    }, [fault]);

    const team = [tables.value, views.value] as const;
    useEffect(() => {
        editor.current?.dispatch({ effects: known.reconfigure(completion(relations())) });
    }, team);

    return <div ref={place} class="rounded-t-[inherit] text-base md:text-[0.9rem]" />;
}
