// To be written.
import type { PageProps } from "../pages";
import { Page } from "../ui/page";

export function Admin({ rest }: PageProps) {
    return <Page title="Admin">{rest.join("/")}</Page>;
}
