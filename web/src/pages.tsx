// Which page belongs to which address; each is fetched when it is first opened.
import { lazy } from "./ui/lazy";

export interface PageProps {
    /** The rest of the path: ["sample"] of #/tables/sample. */
    rest: string[];
}

export const pages = {
    "": lazy(() => import("./home/home").then((m) => m.Home)),
    tables: lazy(() => import("./tables/tables").then((m) => m.Tables)),
    views: lazy(() => import("./views/views").then((m) => m.Views)),
    jobs: lazy(() => import("./jobs/jobs").then((m) => m.Jobs)),
    channels: lazy(() => import("./channels/channels").then((m) => m.Channels)),
    log: lazy(() => import("./log/log").then((m) => m.Log)),
    account: lazy(() => import("./account/account").then((m) => m.AccountPage)),
    admin: lazy(() => import("./admin/admin").then((m) => m.Admin)),
};
