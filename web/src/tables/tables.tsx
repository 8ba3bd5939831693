// To be written.
import type { PageProps } from "../pages";
import { Page } from "../ui/page";

export function Tables({ rest }: PageProps) {
    return <Page title="Tables">{rest.join("/")}</Page>;
}
