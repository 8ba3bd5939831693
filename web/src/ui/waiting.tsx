// Something is on its way. It shows after a moment, so that what comes at once does not flicker.
import { useEffect, useState } from "preact/hooks";

export function Waiting({ what = "Loading" }: { what?: string }) {
    const [shown, show] = useState(false);
    useEffect(() => {
        const timer = setTimeout(() => show(true), 200);
        return () => clearTimeout(timer);
    }, []);
    return (
        <div class="flex items-center gap-3 p-6 text-muted" role="status">
            {shown && (
                <>
                    <span class="h-4 w-4 animate-spin rounded-full border-2 border-line border-t-accent" />
                    {what} …
                </>
            )}
        </div>
    );
}
