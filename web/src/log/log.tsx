// To be written.
import type { PageProps } from "../pages";
import { Page } from "../ui/page";

export function Log({ rest }: PageProps) {
    return <Page title="Log">{rest.join("/")}</Page>;
}
