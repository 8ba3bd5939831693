// To be written.
import type { PageProps } from "../pages";
import { Page } from "../ui/page";

export function Channels({ rest }: PageProps) {
    return <Page title="Channels">{rest.join("/")}</Page>;
}
