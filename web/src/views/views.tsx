// The pages of views: all of them, a new one, and one with its tabs.
import type { PageProps } from "../pages";
import { lazy } from "../ui/lazy";
import { ViewList } from "./list";
import { ViewPage } from "./view";

const NewView = lazy(() => import("./new").then((m) => m.NewView));

export function Views({ rest }: PageProps) {
    const [name, tab = "rows"] = rest;
    if (name === undefined) return <ViewList />;
    if (name === "new" && rest.length === 1) return <NewView />;
    return <ViewPage key={name} name={name} tab={tab} />;
}
