// A component that is fetched when it is first shown.
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Failed } from "./failed";
import { Waiting } from "./waiting";

export function lazy<P extends object>(fetch: () => Promise<ComponentType<P>>): ComponentType<P> {
    let found: ComponentType<P> | undefined;
    return function Lazy(props: P) {
        const [, shown] = useState(0);
        const [problem, fail] = useState<unknown>(null);
        useEffect(() => {
            if (found || problem) return;
            fetch().then((component) => {
                found = component;
                shown(1);
            }, fail);
        }, [problem]);
        if (problem) return <Failed problem={problem} again={() => fail(null)} />;
        const Found = found;
        return Found ? <Found {...props} /> : <Waiting />;
    };
}
