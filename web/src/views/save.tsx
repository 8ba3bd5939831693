// Gives a query a name, by which it becomes a view.
import { useState } from "preact/hooks";
import { Button } from "../ui/button";
import { TextField } from "../ui/field";
import { Card } from "../ui/page";

interface SaveProps {
    busy: boolean;
    ready: boolean;
    errors: (field: string) => string | undefined;
    save: (name: string) => void;
}

export function Save({ busy, ready, errors, save }: SaveProps) {
    const [name, setName] = useState("");
    return (
        <Card title="Save it as a view">
            <form
                class="grid items-start gap-3 sm:grid-cols-[minmax(0,1fr)_auto]"
                onSubmit={(event) => {
                    event.preventDefault();
                    save(name);
                }}
            >
                <TextField
                    label="Name"
                    value={name}
                    onValue={setName}
                    required
                    maxLength={63}
                    autocomplete="off"
                    hint="Other views read it by this name; it can't be changed later."
                    error={errors("view_name")}
                />
                <div class="sm:pt-6">
                    <Button kind="main" type="submit" busy={busy} disabled={!ready || !name.trim()}>
                        Save the view
                    </Button>
                </div>
            </form>
        </Card>
    );
}
