// To be written.
import type { PageProps } from "../pages";
import { Page } from "../ui/page";

export function AccountPage({ rest }: PageProps) {
    return <Page title="AccountPage">{rest.join("/")}</Page>;
}
