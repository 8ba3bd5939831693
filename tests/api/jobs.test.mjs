// Jobs: which cron lines are taken, when a job fires, what its runs tell, and who is told.
import assert from "node:assert/strict";
import { slow, test, until, useServer } from "./harness.mjs";
import { account, SAMPLE_COLUMNS, sampleCsv } from "./client.mjs";

const server = useServer();
const EVERY_SECOND = "1 seconds";

async function withView(sql = "SELECT now() AS t") {
    const me = await account(server);
    await me.table("sample", sampleCsv, SAMPLE_COLUMNS);
    await me.view("v", sql);
    return me;
}

const runs = (me, id) => me.all(`/jobs/${id}/runs/`);
const runsUntil = (me, id, n) =>
    until(async () => {
        const done = (await runs(me, id)).filter((run) => run.outcome !== "running");
        return done.length >= n && done;
    }, `${n} runs of job ${id}`);

test("a job is the same object in create, show and list; ids are numbers from 1", async () => {
    const me = await withView();
    const made = await me.post("/jobs/create/", { view_name: "v", crontab_def: "30 2 1 1 *" });
    assert.equal(made.id, 1);
    assert.equal(made.view_name, "v");
    assert.equal(made.crontab_def, "30 2 1 1 *");
    assert.match(made.next_run, /^\d{4}-01-01T02:30:00(\.0+)?Z$/);
    assert.equal(made.timezone, "UTC");
    assert.equal(made.notify, "always");
    assert.equal(made.active, true);
    assert.deepEqual(await me.get("/jobs/1/"), made);
    assert.deepEqual((await me.get("/jobs/")).data, [made]);
    assert.equal((await me.job("v")).id, 2);
});

test("cron lines that are taken", async () => {
    const me = await withView();
    for (const crontab_def of [
        "* * * * *",
        "*/5 * * * *",
        "0-30/10 0,12 1,15 * *",
        "0 9 * * mon-fri",
        "0 9 * JAN,jul Sun",
        "59 23 31 12 7",
        "0 0 * * 0",
        "  0   0  *  *  *  ",
        "@hourly",
        "@daily",
        "@midnight",
        "@weekly",
        "@monthly",
        "@yearly",
        "@annually",
        "30 seconds",
        "59 seconds",
        "0 0 29 2 *",
    ]) {
        await me.post("/jobs/", { view_name: "v", crontab_def, active: false });
    }
});

test("cron lines that are refused, naming the field and the reason", async () => {
    const me = await withView();
    for (const crontab_def of [
        "",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * 32 * *",
        "* * * 13 *",
        "* * * * 8",
        "* * * * mon-",
        "5-1 * * * *",
        "*/0 * * * *",
        "*/x * * * *",
        "-1 * * * *",
        "1,,2 * * * *",
        "* * * foo *",
        "@fortnightly",
        "@reboot",
        "0 seconds",
        "60 seconds",
        "-5 seconds",
        "1.5 seconds",
        "every minute",
        "* * * * *; DROP TABLE jobs",
        "9".repeat(5_000),
    ]) {
        const problem = await me.post("/jobs/", { view_name: "v", crontab_def }, 422);
        assert.ok(problem.errors.crontab_def?.length, `${crontab_def.slice(0, 40)}: ${JSON.stringify(problem)}`);
    }
    assert.deepEqual((await me.get("/jobs/")).data, []);
});

test("time zones, notify and view are checked", async () => {
    const me = await withView();
    const good = await me.job("v", "0 3 * * *", { timezone: "Europe/Berlin", notify: "changed" });
    assert.equal(good.timezone, "Europe/Berlin");
    for (const [field, value] of [
        ["timezone", "Mars/Olympus"],
        ["timezone", "../../etc/passwd"],
        ["timezone", ""],
        ["notify", "sometimes"],
        ["active", "perhaps"],
        ["colour", "red"],
    ]) {
        const problem = await me.post("/jobs/", { view_name: "v", crontab_def: "@daily", [field]: value }, 422);
        assert.ok(problem.errors[field], `${field}: ${JSON.stringify(problem)}`);
    }
    for (const view_name of ["missing", "sample"]) {
        const problem = await me.call("POST", "/jobs/", { json: { view_name, crontab_def: "@daily" } });
        assert.ok([404, 422].includes(problem.status));
    }
    assert.deepEqual(Object.keys((await me.post("/jobs/", {}, 422)).errors).sort(), ["crontab_def", "view_name"]);
});

test("a job fires on time, and its runs tell of it", async () => {
    const me = await withView();
    const { id } = await me.job("v", EVERY_SECOND);
    const done = await runsUntil(me, id, 3);
    for (const run of done) {
        assert.equal(run.outcome, "succeeded");
        assert.equal(run.error, null);
        assert.equal(typeof run.duration_ms, "number");
        assert.equal(typeof run.version, "number");
    }
    const late = done.map((run) => Date.parse(run.started) - Date.parse(run.due));
    assert.ok(Math.min(...late) >= -1, `late by ${late}`);
    assert.ok(Math.min(...late) <= 50 * slow, `late by ${late}`);
    const versions = done.map((run) => run.version).sort((a, b) => a - b);
    assert.equal(new Set(versions).size, versions.length);
    assert.ok((await me.get("/views/v/")).version >= versions.at(-1));
    assert.equal(new Set(done.map((run) => run.due)).size, done.length);
});

test("a run whose inputs stood still is skipped", async () => {
    const me = await withView("SELECT count(*) AS n FROM sample");
    const { id } = await me.job("v", EVERY_SECOND);
    const [run] = await runsUntil(me, id, 1);
    assert.equal(run.outcome, "skipped");
    assert.equal((await me.get("/views/v/")).version, 1);
    await me.post("/tables/sample/rows/", { rows: [{ SomeNumber: 1 }] });
    await until(async () => (await me.get("/views/v/")).version === 2, "the view to be refreshed");
});

test("a run that fails says why, and the next one can succeed", async () => {
    const me = await account(server);
    await me.table("t", "x\n1\n", [{ column_name: "x", column_type: "text" }]);
    await me.view("v", "SELECT CAST(x AS INTEGER) AS n, now() AS at FROM t");
    await me.post("/tables/t/rows/", { rows: [{ x: "no number" }] });
    const { id } = await me.job("v", EVERY_SECOND);
    const failed = await until(
        async () => (await runs(me, id)).find((run) => run.outcome === "failed"),
        "a failed run",
    );
    assert.match(failed.error, /no number/);
    await me.upload("/tables/t/replace/", { file: "x\n2\n" }, 200);
    await until(async () => (await runs(me, id)).some((run) => run.outcome === "succeeded"), "a run that succeeds");
});

test("a slow run is never overlapped by the next", async () => {
    const me = await withView();
    await me.patch("/views/v/", {
        sql_query: "SELECT count(*) AS n, now() AS t FROM range(8000) a, range(30000) b WHERE a.range + b.range = -1",
    });
    const { id } = await me.job("v", EVERY_SECOND);
    const done = await runsUntil(me, id, 3);
    await me.del(`/jobs/${id}/`);
    const spans = done
        .map((run) => [Date.parse(run.started), Date.parse(run.started) + run.duration_ms])
        .sort((a, b) => a[0] - b[0]);
    for (let i = 1; i < spans.length; i++) assert.ok(spans[i][0] >= spans[i - 1][1] - 2, JSON.stringify(spans));
});

test("PATCH stops a job, starts it again, and gives it another schedule", async () => {
    const me = await withView();
    const { id } = await me.job("v", EVERY_SECOND);
    await runsUntil(me, id, 1);
    const stopped = await me.patch(`/jobs/${id}/`, { active: false });
    assert.equal(stopped.active, false);
    const quiet = await until(async () => {
        const all = await runs(me, id);
        return all.every((run) => run.outcome !== "running") && all.length;
    }, "the last run to end");
    const clock = await me.job("v", EVERY_SECOND);
    await runsUntil(me, clock.id, 2);
    assert.equal((await runs(me, id)).length, quiet);
    await me.patch(`/jobs/${id}/`, { active: true });
    await runsUntil(me, id, quiet + 1);
    const changed = await me.patch(`/jobs/${id}/`, {
        crontab_def: "@yearly",
        timezone: "Asia/Tokyo",
        notify: "non_empty",
    });
    assert.equal(changed.crontab_def, "@yearly");
    assert.equal(changed.timezone, "Asia/Tokyo");
    assert.equal(changed.notify, "non_empty");
    assert.deepEqual(await me.get(`/jobs/${id}/`), changed);
    await me.patch(`/jobs/${id}/`, { crontab_def: "nonsense" }, 422);
    await me.patch(`/jobs/${id}/`, { id: 7 }, 422);
    assert.deepEqual(await me.get(`/jobs/${id}/`), changed);
});

test("DELETE ends a job; its number is not used again", async () => {
    const me = await withView();
    const { id } = await me.job("v");
    await me.del(`/jobs/${id}/`);
    await me.get(`/jobs/${id}/`, 404);
    await me.get(`/jobs/${id}/runs/`, 404);
    await me.del(`/jobs/${id}/`, 404);
    assert.equal((await me.job("v")).id, id + 1);
    for (const wrong of ["0", "-1", "x", "99999999999999999999", "1.0"]) await me.get(`/jobs/${wrong}/`, 404);
});

test("a view with a job goes only with it", async () => {
    const me = await withView();
    const { id } = await me.job("v");
    const reply = await me.call("DELETE", "/views/v/");
    assert.ok([204, 409].includes(reply.status));
    if (reply.status === 409) await me.del("/views/v/?cascade=true");
    await me.get(`/jobs/${id}/`, 404);
});

test("notify: always, changed, non_empty", async (t) => {
    const me = await account(server);
    await me.table("t", "n\n1\n");
    await me.view("v", "SELECT n, now() IS NOT NULL AS x FROM t WHERE n > 100");
    const streams = {};
    for (const notify of ["always", "changed", "non_empty"]) {
        const { id } = await me.job("v", undefined, { notify });
        const { public_identifier } = await me.channel(id);
        streams[notify] = await me.listen(t, public_identifier);
    }
    const refresh = async (file) => {
        if (file) await me.upload("/tables/t/replace/", { file }, 200);
        return (await me.refresh_view("v")).version;
    };
    const empty = await refresh();
    const filled = await refresh("n\n200\n");
    const same = await refresh();
    const emptied = await refresh("n\n1\n");
    const last = await refresh("n\n300\n");
    const told = async (notify) => {
        await streams[notify].next("message", (event) => event.data.version === last);
        return streams[notify].messages().map((event) => event.data.version);
    };
    assert.deepEqual(await told("always"), [empty, filled, same, emptied, last]);
    assert.deepEqual(await told("changed"), [filled, emptied, last]);
    assert.deepEqual(await told("non_empty"), [filled, same, last]);
});

test("what came due while the program was down is made up for once", async (t) => {
    const me = await withView();
    const { id } = await me.job("v", EVERY_SECOND);
    const before = (await runsUntil(me, id, 1)).length;
    await server.stop();
    const down = Date.now();
    await until(() => Date.now() > down + 3_000, "three due times to pass");
    await server.start();
    t.diagnostic(`${before} runs before the stop`);
    const up = Date.now();
    const done = await runsUntil(me, id, before + 2);
    const between = done.filter((run) => Date.parse(run.due) > down && Date.parse(run.due) < up - 1_500);
    assert.ok(between.length <= 1, JSON.stringify(between));
    assert.equal(new Set(done.map((run) => run.due)).size, done.length);
});

test("a run by hand is a run like the schedule's, and says that it was asked for", async () => {
    const me = await withView();
    const job = await me.job("v");
    const before = await me.get(`/jobs/${job.id}/`);
    const run = await me.post(`/jobs/${job.id}/run/`, undefined, 200);
    assert.equal(run.job_id, job.id);
    assert.equal(run.view_name, "v");
    assert.equal(run.trigger, "hand");
    assert.equal(run.outcome, "succeeded");
    assert.equal(run.version, 2);
    assert.deepEqual([run.added, run.removed], [1, 1]);
    assert.equal(run.error, null);
    assert.ok(new Date(run.started) >= new Date(run.due));
    assert.ok(Math.abs(new Date(run.ended) - new Date(run.started) - run.duration_ms) <= 2, JSON.stringify(run));
    const [told] = await runs(me, job.id);
    assert.deepEqual(told, run);
    assert.equal((await me.get("/views/v/")).version, 2);
    const after = await me.get(`/jobs/${job.id}/`);
    assert.equal(after.next_run, before.next_run, "the schedule stands");
    assert.equal(after.last_outcome, "succeeded");
});

test("a run by hand of an inactive job, a skipped one and a failed one", async () => {
    const me = await withView("SELECT * FROM sample");
    const job = await me.job("v", "* * * * *", { active: false });
    const skipped = await me.post(`/jobs/${job.id}/run`, {}, 200);
    assert.equal(skipped.outcome, "skipped");
    assert.equal(skipped.ended, skipped.started);
    assert.deepEqual([skipped.added, skipped.removed, skipped.version], [0, 0, 1]);
    assert.equal((await me.get(`/jobs/${job.id}/`)).active, false);

    await me.view("broken", 'SELECT 10 / count(*) AS n, CAST(min("SomeString") AS int) AS x FROM sample WHERE false');
    const other = await me.job("broken", "* * * * *", { active: false });
    await me.post("/tables/sample/rows/", { rows: [{ SomeNumber: 1, SomeString: "x" }] });
    await me.patch("/views/broken/", { sql_query: 'SELECT CAST(max("SomeString") AS int) AS x FROM sample WHERE "SomeNumber" > 10' });
    await me.post("/tables/sample/rows/", { rows: [{ SomeNumber: 11, SomeString: "no number" }] });
    const failed = await me.post(`/jobs/${other.id}/run/`, undefined, 200);
    assert.equal(failed.outcome, "failed");
    assert.match(failed.error, /no number/);
    assert.deepEqual(await runs(me, other.id), [failed]);
    assert.match((await me.get("/views/broken/")).error, /no number/);
});

test("the server's log says that a view failed, and that it is refreshed again", async () => {
    const me = await account(server);
    const columns = [{ column_name: "text", column_type: "varchar" }];
    await me.upload("/tables/", { table_name: "texts", file: "text\n1\n", columns });
    await me.view("mended_view", "SELECT CAST(text AS INTEGER) AS n FROM texts");
    await me.job("mended_view", "1 seconds");
    const again = /view mended_view is refreshed again/g;
    const failed = /invalid_query: .*'many'/;
    await me.post("/tables/texts/rows/", { rows: [{ text: "many" }] });
    await until(() => failed.test(server.log), "the failure in the log");
    assert.equal(server.log.match(again), null);
    await me.upload("/tables/texts/replace/", { file: "text\n2\n" }, 200);
    await until(() => again.test(server.log), "the end of the failure in the log");
    const { version } = await me.get("/views/mended_view/");
    await me.post("/tables/texts/rows/", { rows: [{ text: "3" }] });
    await until(async () => (await me.get("/views/mended_view/")).version > version, "the next version");
    assert.equal(server.log.match(again).length, 1);
});

test("a job that is running is not run beside itself; its turn is waited for", async () => {
    const me = await withView(
        "SELECT count(*) AS n, now() AS t FROM range(4000) a, range(20000) b WHERE a.range + b.range = -1",
    );
    const job = await me.job("v");
    const first = me.call("POST", `/jobs/${job.id}/run/`);
    await until(async () => (await runs(me, job.id)).some((run) => run.outcome === "running"), "the run to begin");
    const [begun] = await runs(me, job.id);
    assert.equal(begun.ended, null);
    assert.equal(begun.trigger, "hand");
    const second = await me.call("POST", `/jobs/${job.id}/run/`);
    assert.equal(second.status, 409);
    assert.equal(second.body.code, "job_running");
    assert.equal((await first).status, 200);
    assert.equal((await runs(me, job.id)).length, 1);
    assert.equal((await me.post(`/jobs/${job.id}/run/`, undefined, 200)).outcome, "succeeded");
});

test("who asked: the schedule, a hand, or a view that reads this one", async () => {
    const me = await withView();
    await me.view("upper", "SELECT * FROM v");
    const scheduled = await me.job("v", EVERY_SECOND);
    const [run] = await runsUntil(me, scheduled.id, 1);
    assert.equal(run.trigger, "schedule");
    await me.patch(`/jobs/${scheduled.id}/`, { active: false });
    const job = await me.job("upper");
    await me.post(`/jobs/${job.id}/run/`, undefined, 200);
    const told = (await me.all("/events/?type=run.succeeded")).map((event) => [event.subject, event.data.trigger]);
    assert.deepEqual(told.at(-2), ["v", "reader"]);
    assert.deepEqual(told.at(-1), ["upper", "hand"]);
});

test("a run by hand does not count as what was due", async () => {
    const me = await withView();
    const job = await me.job("v", "2 seconds");
    const [first] = await runsUntil(me, job.id, 1);
    await until(async () => (await me.call("POST", `/jobs/${job.id}/run/`)).status === 200, "a run between two others");
    const all = await until(async () => {
        const done = await runs(me, job.id);
        return done.filter((run) => run.trigger === "schedule").length >= 3 && done;
    }, "two more runs by the schedule");
    const due = all.filter((run) => run.trigger === "schedule").map((run) => Date.parse(run.due));
    due.reverse().forEach((at, i) => assert.equal(at, Date.parse(first.due) + i * 2_000));
});

test("a job of another team is not run, nor one that is none", async () => {
    const me = await withView();
    const job = await me.job("v");
    const other = await account(server);
    for (const id of [job.id, 99, "x"])
        assert.equal((await other.call("POST", `/jobs/${id}/run/`)).status, 404, id);
    assert.equal((await me.call("POST", `/jobs/${job.id}/run/`, { json: { now: true } })).status, 422);
});

test("a schedule says when it would be due", async () => {
    const me = await account(server);
    const preview = (query, status = 200) => me.get(`/jobs/preview/?${new URLSearchParams(query)}`, status);
    const daily = await preview({ crontab_def: " 30 2 * * * ", timezone: "Europe/Berlin", count: 3 });
    assert.equal(daily.crontab_def, "30 2 * * *");
    assert.equal(daily.timezone, "Europe/Berlin");
    assert.equal(daily.next.length, 3);
    for (const at of daily.next) {
        const local = new Date(at).toLocaleString("sv-SE", { timeZone: "Europe/Berlin" });
        assert.match(local, / 0[23]:[03]0:00$/, `${at} is ${local}`);
    }
    const hourly = await preview({ crontab_def: "@hourly" });
    assert.equal(hourly.timezone, "UTC");
    assert.equal(hourly.next.length, 5);
    const times = hourly.next.map((at) => Date.parse(at));
    assert.ok(times[0] > Date.now() && times[0] <= Date.now() + 3_600_000);
    times.forEach((at, i) => assert.equal(at, times[0] + i * 3_600_000));
    assert.equal((await preview({ crontab_def: "5 seconds", count: 20 })).next.length, 20);
    const job = await (await withView()).job("v", "17 4 * * 2");
    assert.equal((await preview({ crontab_def: "17 4 * * 2", count: 1 })).next[0], job.next_run);
});

test("a schedule that no job could have is refused alike", async () => {
    const me = await withView();
    const asJob = async (fields) => {
        const made = await me.call("POST", "/jobs/", { json: { view_name: "v", ...fields } });
        const seen = await me.call("GET", `/jobs/preview/?${new URLSearchParams(fields)}`);
        assert.equal(made.status, 422, JSON.stringify(fields));
        assert.equal(seen.status, 422, JSON.stringify(fields));
        assert.deepEqual(seen.body.errors, made.body.errors);
    };
    await asJob({ crontab_def: "61 * * * *" });
    await asJob({ crontab_def: "* * * * mon-" });
    await asJob({ crontab_def: "0 0 30 2 *" });
    await asJob({ crontab_def: "@hourly", timezone: "Mars/Olympus" });
    for (const query of ["", "crontab_def=", "crontab_def=@daily&count=0", "crontab_def=@daily&count=21"])
        assert.equal((await me.call("GET", `/jobs/preview/?${query}`)).status, 422, query);
});
