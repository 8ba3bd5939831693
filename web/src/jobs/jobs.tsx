// To be written.
import type { PageProps } from "../pages";
import { Page } from "../ui/page";

export function Jobs({ rest }: PageProps) {
    return <Page title="Jobs">{rest.join("/")}</Page>;
}
