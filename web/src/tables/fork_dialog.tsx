// A copy of a table under another name.
import { useState } from "preact/hooks";
import { api, body, type Table } from "../api/client";
import { Problem } from "../api/problem";
import { putTable } from "../live/team";
import { go } from "../router";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Failed } from "../ui/failed";
import { TextField } from "../ui/field";
import { tell } from "../ui/toast";

export function ForkDialog({ table, onClose }: { table: string; onClose: () => void }) {
    const [name, rename] = useState(`${table}_copy`);
    const [problem, fail] = useState<unknown>(null);
    const [busy, work] = useState(false);
    const field = problem instanceof Problem ? problem.field("table_name") : undefined;
    const atName = field && problem instanceof Problem && problem.status === 409 ? problem.message : field;
    const run = async (event: Event) => {
        event.preventDefault();
        work(true);
        fail(null);
        try {
            const params = { path: { name: table } };
            const made = await body(api.POST("/tables/{name}/fork", { params, body: { table_name: name } }));
            putTable(made as Table);
            tell(`${name} is a copy of ${table}.`);
            onClose();
            go("tables", name);
        } catch (caught) {
            fail(caught);
            work(false);
        }
    };
    return (
        <Dialog title={`Fork ${table}`} onClose={onClose}>
            <form class="grid gap-4" onSubmit={(event) => void run(event)}>
                <p class="text-muted">A copy with all its rows, that goes its own way from here on.</p>
                <TextField
                    label="Name of the copy"
                    value={name}
                    onValue={rename}
                    required
                    autofocus
                    error={atName}
                    autocomplete="off"
                    spellcheck={false}
                />
                {!atName && <Failed problem={problem} />}
                <div class="flex justify-end gap-2">
                    <Button onClick={onClose}>Cancel</Button>
                    <Button kind="main" type="submit" busy={busy}>
                        Make the copy
                    </Button>
                </div>
            </form>
        </Dialog>
    );
}
