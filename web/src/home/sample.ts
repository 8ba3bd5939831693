// The sample with which a newcomer sees a live event: orders, the question which of them are open, and a channel that tells.
import { api, body, type Channel, type Job, type Table, type View } from "../api/client";

export const TABLE = "orders";
export const VIEW = "open_orders";
export const SCHEDULE = "5 seconds";
export const QUERY = `SELECT country, count(*) AS orders, sum(amount) AS total
FROM orders
WHERE status = 'open'
GROUP BY country
ORDER BY total DESC`;

/** Not any table that happens to be called so: the question must fit it. */
export const isSample = (table: Table | undefined) =>
    ["country", "amount", "status"].every((name) => table?.columns.some((column) => column.column_name === name));

const people = ["Ada", "Grace", "Edsger", "Barbara", "Donald", "Radia", "Ken", "Frances", "Dennis", "Margaret"];
const countries = ["DE", "FR", "US", "JP", "BR"];

function order(id: number) {
    return {
        id,
        customer: people[id % people.length],
        country: countries[(id * 7) % countries.length],
        amount: ((id * 37) % 90) + 10,
        status: id % 3 ? "open" : "paid",
    };
}

export async function makeTable(): Promise<Table> {
    const rows = Array.from({ length: 24 }, (_, i) => order(i + 1));
    return (await body(api.POST("/tables", { body: { table_name: TABLE, rows } as never }))) as unknown as Table;
}

export async function makeView(): Promise<View> {
    return (await body(api.POST("/views", { body: { view_name: VIEW, sql_query: QUERY } }))) as View;
}

export async function makeJob(): Promise<Job> {
    return body(api.POST("/jobs", { body: { view_name: VIEW, crontab_def: SCHEDULE, notify: "changed" } }));
}

export async function makeChannel(job: number): Promise<Channel> {
    return body(api.POST("/channels", { body: { job_id: job, include: "changes" } }));
}

/** One more order, as a shop would send it. */
export async function addOrder(n: number): Promise<void> {
    const path = { name: TABLE };
    const row = { ...order(n), status: "open" };
    await api.POST("/tables/{name}/rows", { params: { path }, body: { rows: [row] } as never });
}
