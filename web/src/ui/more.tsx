// The button below a list that goes on.
import { useState } from "preact/hooks";
import { Button } from "./button";

export function More({ text, onMore }: { text: string; onMore: () => Promise<void> }) {
    const [busy, work] = useState(false);
    const run = async () => {
        work(true);
        await onMore();
        work(false);
    };
    return (
        <div class="border-t border-line p-3">
            <Button busy={busy} onClick={() => void run()}>
                {text}
            </Button>
        </div>
    );
}
