// Where the things of the pipeline stand: tables at the left, then views by what they read, then jobs, then channels.
import type { Channel, Job, Table, View } from "../api/client";
import type { Kind } from "../ui/kind";

export interface Node {
    id: string; // "view:totals"
    kind: Kind;
    key: string; // its name or number
    column: number;
    x: number;
    y: number;
}

export interface Edge {
    from: Node;
    to: Node;
}

export interface Layout {
    nodeWidth: number;
    nodes: Node[];
    edges: Edge[];
    width: number;
    height: number;
}

export interface Things {
    tables: Table[];
    views: View[];
    jobs: Job[];
    channels: Channel[];
}

const NODE_WIDTH = { least: 156, most: 232 };
export const NODE_HEIGHT = 68;
const GAP_X = 36;
const GAP_Y = 14;

/** How far a view is from the tables: one more than the farthest of what it reads. */
function depths(views: Map<string, View>): Map<string, number> {
    const found = new Map<string, number>();
    const depth = (name: string): number => {
        const known = found.get(name);
        if (known !== undefined) return known;
        found.set(name, 1); // a circle can't be made; if one were, it would end here
        const inputs = views.get(name)?.depends_on ?? [];
        const deepest = Math.max(0, ...inputs.map((input) => (views.has(input) ? depth(input) : 0)));
        found.set(name, deepest + 1);
        return deepest + 1;
    };
    for (const name of views.keys()) depth(name);
    return found;
}

/** Each thing stands, within its column, about as high as what it follows. */
function order(columns: Node[][], inputs: Map<string, Node[]>): void {
    for (const column of columns) {
        const weight = (node: Node) => {
            const from = inputs.get(node.id) ?? [];
            return from.length ? from.reduce((sum, { y }) => sum + y, 0) / from.length : Infinity;
        };
        const weights = new Map(column.map((node) => [node, weight(node)]));
        column.sort((a, b) => {
            const [left, right] = [weights.get(a) ?? 0, weights.get(b) ?? 0];
            return left === right ? a.key.localeCompare(b.key) : left - right;
        });
        column.forEach((node, i) => (node.y = i * (NODE_HEIGHT + GAP_Y)));
    }
}

/** As wide as there is room for, within bounds. */
export function layout(things: Things, room: number): Layout {
    const views = new Map(things.views.map((view) => [view.view_name, view]));
    const depth = depths(views);
    const deepest = Math.max(1, ...depth.values());
    const nodes = new Map<string, Node>();
    const columns: Node[][] = Array.from({ length: deepest + 3 }, () => []);
    const fitting = Math.floor((room + GAP_X) / columns.length) - GAP_X;
    const nodeWidth = Math.min(NODE_WIDTH.most, Math.max(NODE_WIDTH.least, fitting));
    const add = (kind: Kind, key: string, column: number) => {
        const node = { id: `${kind}:${key}`, kind, key, column, x: column * (nodeWidth + GAP_X), y: 0 };
        nodes.set(node.id, node);
        columns[column]?.push(node);
    };
    const edges: Edge[] = [];
    const inputs = new Map<string, Node[]>();
    const join = (from: string, to: string) => {
        const [source, target] = [nodes.get(from), nodes.get(to)];
        if (!source || !target) return;
        edges.push({ from: source, to: target });
        inputs.set(to, [...(inputs.get(to) ?? []), source]);
    };
    for (const table of things.tables) add("table", table.table_name, 0);
    for (const name of views.keys()) add("view", name, depth.get(name) ?? 1);
    for (const job of things.jobs) add("job", String(job.id), deepest + 1);
    for (const channel of things.channels) add("channel", channel.public_identifier, deepest + 2);
    for (const [name, view] of views)
        for (const input of view.depends_on)
            join(views.has(input) ? `view:${input}` : `table:${input}`, `view:${name}`);
    for (const job of things.jobs) join(`view:${job.view_name}`, `job:${job.id}`);
    for (const channel of things.channels)
        for (const job of channel.job_ids ?? []) join(`job:${job}`, `channel:${channel.public_identifier}`);
    order(columns, inputs);
    const tallest = Math.max(1, ...columns.map((column) => column.length));
    return {
        nodeWidth,
        nodes: [...nodes.values()],
        edges,
        width: columns.length * (nodeWidth + GAP_X) - GAP_X,
        height: tallest * (NODE_HEIGHT + GAP_Y) - GAP_Y,
    };
}
