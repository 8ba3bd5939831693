// To be written.
import type { PageProps } from "../pages";
import { Page } from "../ui/page";

export function Home({ rest }: PageProps) {
    return <Page title="Home">{rest.join("/")}</Page>;
}
