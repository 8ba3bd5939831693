// Changing the password.
import { useState } from "preact/hooks";
import { changePassword } from "../api/session";
import { Problem } from "../api/problem";
import { Button } from "../ui/button";
import { Failed } from "../ui/failed";
import { TextField } from "../ui/field";
import { Card } from "../ui/page";
import { tell } from "../ui/toast";
import { account } from "./who";

export function Password() {
    const [current, setCurrent] = useState("");
    const [next, setNext] = useState("");
    const [problem, fail] = useState<unknown>(null);
    const [busy, work] = useState(false);
    const told = (field: string) => (problem instanceof Problem ? problem.field(field) : undefined);
    const atField = told("current_password") || told("new_password");
    const save = async (event: Event) => {
        event.preventDefault();
        work(true);
        fail(null);
        try {
            await changePassword(current, next);
            setCurrent("");
            setNext("");
            tell("The password is changed. Everywhere else you are signed out.");
        } catch (caught) {
            fail(caught);
        }
        work(false);
    };
    return (
        <Card title="Change the password">
            <form class="grid max-w-md gap-4" onSubmit={(event) => void save(event)}>
                {/* so that password managers know whose it is */}
                <input
                    type="text"
                    class="hidden"
                    autocomplete="username"
                    value={account.value?.primary_email ?? ""}
                    readOnly
                    tabIndex={-1}
                    aria-hidden="true"
                />
                <TextField
                    label="Current password"
                    type="password"
                    required
                    autocomplete="current-password"
                    value={current}
                    onValue={setCurrent}
                    error={told("current_password")}
                />
                <TextField
                    label="New password"
                    type="password"
                    required
                    autocomplete="new-password"
                    hint="At least 8 characters; a few words are good. It signs you out everywhere else."
                    value={next}
                    onValue={setNext}
                    error={told("new_password")}
                />
                {!atField && <Failed problem={problem} />}
                <div>
                    <Button kind="main" type="submit" busy={busy}>
                        Change it
                    </Button>
                </div>
            </form>
        </Card>
    );
}
