// To be written.
import type { PageProps } from "../pages";
import { Page } from "../ui/page";

export function Views({ rest }: PageProps) {
    return <Page title="Views">{rest.join("/")}</Page>;
}
