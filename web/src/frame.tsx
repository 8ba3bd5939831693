// The frame around every page: where one can go, whether the page is live, and who is signed in.
import { useEffect, useRef, useState } from "preact/hooks";
import { BookOpen, House, ListOrdered, LogOut, Menu, Shield, UserRound, X } from "lucide-preact";
import type { ComponentChildren } from "preact";
import { signOut } from "./api/session";
import { account } from "./account/who";
import { failed, state } from "./live/team";
import { pages } from "./pages";
import { path, to } from "./router";
import { Failed } from "./ui/failed";
import { KindIcon } from "./ui/kind";
import { Page } from "./ui/page";
import { ThemeButton } from "./ui/theme_button";

interface Place {
    step: string;
    text: string;
    icon: ComponentChildren;
}

const places: Place[] = [
    { step: "", text: "Home", icon: <House size={18} aria-hidden="true" /> },
    { step: "tables", text: "Tables", icon: <KindIcon kind="table" /> },
    { step: "views", text: "Views", icon: <KindIcon kind="view" /> },
    { step: "jobs", text: "Jobs", icon: <KindIcon kind="job" /> },
    { step: "channels", text: "Channels", icon: <KindIcon kind="channel" /> },
    { step: "log", text: "Log", icon: <ListOrdered size={18} aria-hidden="true" /> },
];

function Live() {
    const texts = {
        open: ["bg-good", "Live"],
        connecting: ["bg-warn", "Connecting …"],
        waiting: ["bg-bad", "Offline", ": trying again"],
        closed: ["bg-bad", "Not live"],
    } as const;
    const [colour, text, more] = texts[state.value];
    return (
        <span class="inline-flex items-center gap-2 text-sm text-muted" role="status" data-live={state.value}>
            <span class={`h-2.5 w-2.5 shrink-0 rounded-full ${colour}`} aria-hidden="true" />
            <span>
                {text}
                <span class="max-md:sr-only">{more}</span>
            </span>
        </span>
    );
}

function NavLink({ place, here, onGo }: { place: Place; here: boolean; onGo?: () => void }) {
    return (
        <a
            href={place.step ? to(place.step) : "#/"}
            aria-current={here ? "page" : undefined}
            onClick={onGo}
            class={`flex min-h-10 items-center gap-3 rounded-lg px-3 py-1.5 ${
                here ? "bg-accent/10 font-medium text-accent" : "text-fg hover:bg-sunken"
            }`}
        >
            {place.icon}
            {place.text}
        </a>
    );
}

function Nav({ onGo }: { onGo?: () => void }) {
    const here = path.value[0] ?? "";
    const more: Place[] = [
        { step: "account", text: "Account", icon: <UserRound size={18} aria-hidden="true" /> },
        ...(account.value?.is_superuser
            ? [{ step: "admin", text: "Admin", icon: <Shield size={18} aria-hidden="true" /> }]
            : []),
    ];
    return (
        <nav aria-label="Main" class="flex h-full flex-col gap-1">
            {places.map((place) => (
                <NavLink key={place.step} place={place} here={place.step === here} onGo={onGo} />
            ))}
            <div class="my-2 border-t border-line" />
            {more.map((place) => (
                <NavLink key={place.step} place={place} here={place.step === here} onGo={onGo} />
            ))}
            <a href="/docs" class="flex min-h-10 items-center gap-3 rounded-lg px-3 py-1.5 hover:bg-sunken">
                <BookOpen size={18} aria-hidden="true" />
                API
            </a>
            <div class="mt-auto grid gap-2 pt-4">
                <div class="flex items-center justify-between">
                    <Live />
                    <ThemeButton />
                </div>
                <p class="truncate text-sm text-muted" title={account.value?.primary_email ?? ""}>
                    {account.value?.primary_email}
                </p>
                <button
                    class="flex min-h-10 items-center gap-3 rounded-lg px-3 py-1.5 text-left hover:bg-sunken"
                    onClick={() => void signOut()}
                >
                    <LogOut size={18} aria-hidden="true" />
                    Sign out
                </button>
            </div>
        </nav>
    );
}

function TopBar() {
    const [open, show] = useState(false);
    useEffect(() => show(false), [path.value]); // also when one goes back
    return (
        <div
            onKeyDown={(event) => event.key === "Escape" && show(false)}
            class="sticky top-0 z-40 border-b border-line bg-surface md:hidden"
        >
            <div class="flex items-center justify-between gap-3 px-4 py-2">
                <Brand />
                <div class="flex items-center gap-3">
                    <Live />
                    <button
                        class="grid h-10 w-10 place-items-center rounded-lg border border-line"
                        aria-expanded={open}
                        aria-label={open ? "Close the menu" : "Open the menu"}
                        onClick={() => show(!open)}
                    >
                        {open ? <X size={20} /> : <Menu size={20} />}
                    </button>
                </div>
            </div>
            {open && (
                <div class="border-t border-line p-3">
                    <Nav onGo={() => show(false)} />
                </div>
            )}
        </div>
    );
}

export function Brand() {
    return (
        <a href="#/" class="flex items-center gap-2 font-semibold tracking-tight">
            <img src="/assets/icon.svg" alt="" width="24" height="24" />
            TinyDevCRM
        </a>
    );
}

function NoSuchPage() {
    return (
        <Page title="No such page">
            <p>
                There is nothing at this address.{" "}
                <a class="text-accent underline" href="#/">
                    Go to the start
                </a>
                .
            </p>
        </Page>
    );
}

export function Frame() {
    const [step = "", ...rest] = path.value;
    const main = useRef<HTMLElement>(null);
    const where = path.value.join("/");
    const first = useRef(true);
    // A new page is where reading goes on: for the keyboard, and for those who hear it.
    useEffect(() => {
        if (!first.current) main.current?.focus({ preventScroll: true });
        first.current = false;
        scrollTo(0, 0);
    }, [where]);
    const Shown = step in pages ? pages[step as keyof typeof pages] : NoSuchPage;
    return (
        <div class="md:grid md:min-h-screen md:grid-cols-[14rem_minmax(0,1fr)]">
            <a
                href="#main"
                class="sr-only focus:not-sr-only focus:absolute focus:z-50 focus:bg-surface focus:p-3"
                onClick={(event) => {
                    event.preventDefault();
                    main.current?.focus();
                }}
            >
                Skip to the page
            </a>
            <TopBar />
            <aside class="sticky top-0 hidden h-screen overflow-y-auto border-r border-line bg-surface p-3 md:grid md:grid-rows-[auto_1fr]">
                <div class="px-3 pb-4 pt-2">
                    <Brand />
                </div>
                <Nav />
            </aside>
            <main ref={main} id="main" tabIndex={-1} class="min-w-0 outline-none">
                {failed.value ? (
                    <div class="p-4">
                        <Failed problem={failed.value} again={() => location.reload()} />
                    </div>
                ) : null}
                <Shown rest={rest} />
            </main>
        </div>
    );
}
