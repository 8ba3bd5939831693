// Asks before the person goes elsewhere with a query that is not saved.
import { useEffect, useRef, useState } from "preact/hooks";
import { guard } from "../router";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";

interface LeavingProps {
    unsaved: boolean;
    discard: () => void;
}

export function Leaving({ unsaved, discard }: LeavingProps) {
    const [next, ask] = useState<string | null>(null);
    const held = useRef(unsaved);
    held.current = unsaved;
    useEffect(
        () =>
            guard((where) => {
                if (held.current) ask(where);
                return held.current;
            }),
        [],
    );
    if (next === null) return null;
    const leave = () => {
        held.current = false;
        location.hash = next;
    };
    return (
        <Dialog title="This query is not saved" onClose={() => ask(null)}>
            <div class="grid gap-4">
                <p>A draft stays in this browser, and is there again when you come back.</p>
                <div class="flex flex-wrap justify-end gap-2">
                    <Button
                        kind="danger"
                        onClick={() => {
                            discard();
                            leave();
                        }}
                    >
                        Throw it away
                    </Button>
                    <Button onClick={() => ask(null)}>Stay here</Button>
                    <Button kind="main" onClick={leave}>
                        Keep the draft
                    </Button>
                </div>
            </div>
        </Dialog>
    );
}
