// How the editor looks: in the console's own colours, so that dark and light come by themselves.
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const colour = (name: string, alpha = 1) => `rgb(var(--${name}) / ${alpha})`;
const mono = 'ui-monospace, SFMono-Regular, Menlo, "DejaVu Sans Mono", Consolas, monospace';

const theme = EditorView.theme({
    "&": { backgroundColor: colour("surface"), color: colour("fg"), fontSize: "inherit", borderRadius: "inherit" },
    "&.cm-focused": { outline: `2px solid ${colour("accent")}`, outlineOffset: "-1px" },
    ".cm-scroller": { fontFamily: mono, lineHeight: "1.55", maxHeight: "min(32rem, 55vh)", borderRadius: "inherit" },
    ".cm-content, .cm-gutters": { minHeight: "9rem !important" },
    ".cm-content": { caretColor: colour("fg"), padding: "0.6rem 0" },
    ".cm-line": { padding: "0 0.75rem 0 0.5rem" },
    ".cm-cursor, .cm-dropCursor": { borderLeftColor: colour("fg"), borderLeftWidth: "2px" },
    "& > .cm-scroller > .cm-selectionLayer .cm-selectionBackground": { background: colour("muted", 0.25) },
    "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground": { background: colour("accent", 0.28) },
    ".cm-gutters": {
        backgroundColor: colour("sunken"),
        color: colour("muted"),
        borderRight: `1px solid ${colour("line")}`,
    },
    ".cm-activeLine": { backgroundColor: "transparent" },
    ".cm-activeLineGutter": { backgroundColor: colour("line"), color: colour("fg") },
    ".cm-placeholder": { color: colour("muted") },
    "&.cm-focused .cm-matchingBracket": {
        backgroundColor: colour("good", 0.2),
        outline: `1px solid ${colour("good", 0.6)}`,
    },
    "&.cm-focused .cm-nonmatchingBracket": { backgroundColor: colour("bad", 0.2) },
    ".cm-lintRange-error, .cm-lintPoint-error": {
        backgroundImage: "none",
        backgroundColor: colour("bad", 0.12),
        textDecoration: `underline wavy ${colour("bad")}`,
        textDecorationSkipInk: "none",
    },
    ".cm-tooltip": {
        backgroundColor: colour("surface"),
        color: colour("fg"),
        border: `1px solid ${colour("edge", 0.6)}`,
        borderRadius: "0.5rem",
        boxShadow: "0 8px 24px rgb(0 0 0 / 0.25)",
        maxWidth: "min(30rem, 92vw)",
    },
    ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: mono, maxHeight: "15rem", minWidth: "12rem" },
    ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { display: "flex", gap: "1.25rem", padding: "0.2rem 0.6rem" },
    ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": {
        backgroundColor: colour("solid"),
        color: colour("onsolid"),
    },
    ".cm-completionLabel": { flex: "1 1 auto", overflow: "hidden", textOverflow: "ellipsis" },
    ".cm-completionDetail": { fontStyle: "normal", color: colour("muted"), marginLeft: "0" },
    "li[aria-selected] .cm-completionDetail": { color: "inherit" },
    ".cm-tooltip.cm-completionInfo": { padding: "0.35rem 0.6rem", fontSize: "0.9em" },
    ".cm-diagnostic": { padding: "0.35rem 0.6rem", whiteSpace: "pre-wrap" },
    ".cm-diagnostic-error": { borderLeft: `4px solid ${colour("bad")}` },
});

const words = HighlightStyle.define([
    { tag: tags.keyword, color: colour("accent"), fontWeight: "600" },
    { tag: tags.typeName, color: colour("job") },
    { tag: tags.standard(tags.name), color: colour("table") },
    { tag: [tags.string, tags.special(tags.string)], color: colour("good") },
    { tag: [tags.number, tags.bool, tags.null], color: colour("job") },
    { tag: [tags.lineComment, tags.blockComment], color: colour("muted"), fontStyle: "italic" },
    { tag: [tags.operator, tags.punctuation, tags.paren], color: colour("muted") },
]);

export const looks = [theme, syntaxHighlighting(words)];
