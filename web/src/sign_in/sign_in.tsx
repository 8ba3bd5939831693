// Signing in, and making an account.
import { useEffect, useState } from "preact/hooks";
import { api, body } from "../api/client";
import { Problem } from "../api/problem";
import { ended, keep } from "../api/session";
import { Button } from "../ui/button";
import { Failed } from "../ui/failed";
import { TextField } from "../ui/field";
import { ThemeButton } from "../ui/theme_button";

async function enter(primary_email: string, password: string): Promise<void> {
    const { access, refresh } = await body(api.POST("/auth/tokens/obtain", { body: { primary_email, password } }));
    if (access && refresh) keep({ access, refresh });
}

function Form({ fresh }: { fresh: boolean }) {
    const [email, setEmail] = useState("");
    const [password, setPassword] = useState("");
    const [name, setName] = useState("");
    const [problem, fail] = useState<unknown>(null);
    const [busy, work] = useState(false);
    const told = (field: string) => (problem instanceof Problem ? problem.field(field) : undefined);
    const atField = told("primary_email") || told("password") || told("full_name");
    const run = async (event: Event) => {
        event.preventDefault();
        work(true);
        fail(null);
        try {
            if (fresh) {
                const full_name = name || undefined;
                await api.POST("/auth/users/register", { body: { primary_email: email, password, full_name } });
            }
            await enter(email, password);
        } catch (caught) {
            fail(caught);
            work(false);
        }
    };
    return (
        <form class="grid gap-4" onSubmit={(event) => void run(event)}>
            {fresh && (
                <TextField
                    label="Name (if you like)"
                    value={name}
                    onValue={setName}
                    autocomplete="name"
                    error={told("full_name")}
                />
            )}
            <TextField
                label="E-mail"
                type="email"
                required
                autofocus
                value={email}
                onValue={setEmail}
                autocomplete="username"
                error={told("primary_email")}
            />
            <TextField
                label="Password"
                type="password"
                required
                value={password}
                onValue={setPassword}
                autocomplete={fresh ? "new-password" : "current-password"}
                hint={fresh ? "At least 8 characters; a few words are good." : undefined}
                error={told("password")}
            />
            {!atField && <Failed problem={problem} />}
            <Button kind="main" type="submit" busy={busy}>
                {fresh ? "Make the account" : "Sign in"}
            </Button>
        </form>
    );
}

export function SignIn() {
    const [fresh, make] = useState(false);
    useEffect(() => {
        document.title = "Sign in · TinyDevCRM";
    }, []);
    return (
        <main class="mx-auto grid min-h-screen max-w-md content-center gap-6 p-4">
            <header class="grid justify-items-center gap-3 text-center">
                <img src="/assets/icon.svg" alt="" width="48" height="48" />
                <h1 class="text-2xl font-semibold tracking-tight">TinyDevCRM</h1>
                <p class="text-muted">
                    Upload a table, ask a standing question of it in SQL, and be told, row by row, when the answer
                    changes.
                </p>
            </header>
            <section class="grid gap-5 rounded-xl border border-line bg-surface p-6">
                <h2 class="text-lg font-semibold">{fresh ? "Make an account" : "Sign in"}</h2>
                {ended.value && !fresh && (
                    <p role="status" class="rounded-lg border border-warn/60 bg-warn/10 px-4 py-2 text-sm">
                        {ended.value}
                    </p>
                )}
                <Form key={String(fresh)} fresh={fresh} />
                <p class="text-sm text-muted">
                    {fresh ? "You have one already? " : "New here? "}
                    <button class="font-medium text-accent underline" onClick={() => make(!fresh)}>
                        {fresh ? "Sign in" : "Make an account"}
                    </button>
                </p>
            </section>
            <footer class="flex items-center justify-between text-sm text-muted">
                <a class="underline hover:text-fg" href="/docs">
                    The API, route by route
                </a>
                <ThemeButton />
            </footer>
        </main>
    );
}
