// All accounts, and letting them in or not.
import { useState } from "preact/hooks";
import { UserRound } from "lucide-preact";
import { account as own } from "../account/who";
import { api, body, type SeenAccount } from "../api/client";
import { usePaged } from "../live/paged";
import { Badge } from "../ui/badge";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Failed } from "../ui/failed";
import { plural } from "../ui/format";
import { List, ListRow } from "../ui/list";
import { More } from "../ui/more";
import { Ago } from "../ui/time";
import { tell } from "../ui/toast";
import { Waiting } from "../ui/waiting";
import type { Watch } from "./watch";

interface SwitchProps {
    account: SeenAccount;
    onDone: (account: SeenAccount) => void;
    onClose: () => void;
}

function SwitchDialog({ account, onDone, onClose }: SwitchProps) {
    const [problem, fail] = useState<unknown>(null);
    const [busy, work] = useState(false);
    const { id, primary_email, is_active, sessions } = account;
    const run = async () => {
        work(true);
        try {
            const params = { path: { id } };
            onDone(await body(api.PATCH("/admin/accounts/{id}", { params, body: { is_active: !is_active } })));
            tell(`${primary_email} is switched ${is_active ? "off" : "on"}.`);
            onClose();
        } catch (caught) {
            fail(caught);
            work(false);
        }
    };
    return (
        <Dialog title={`Switch ${primary_email} ${is_active ? "off" : "on"}?`} onClose={onClose}>
            <div class="grid gap-4">
                <p>
                    {is_active
                        ? `It may not sign in any more, and its ${plural(sessions, "session")} end${sessions === 1 ? "s" : ""} at once. What its team has stays, and its jobs go on.`
                        : "It may sign in again, with the password that it has."}
                </p>
                <Failed problem={problem} />
                <div class="flex justify-end gap-2">
                    <Button onClick={onClose}>Leave it</Button>
                    <Button kind={is_active ? "danger" : "main"} busy={busy} onClick={() => void run()}>
                        Switch {is_active ? "off" : "on"}
                    </Button>
                </div>
            </div>
        </Dialog>
    );
}

function Row({ account, onSwitch }: { account: SeenAccount; onSwitch: () => void }) {
    const mine = account.id === own.value?.id;
    const text = account.is_active ? "Switch off" : "Switch on";
    return (
        <ListRow
            icon={<UserRound size={18} class="text-muted" aria-hidden="true" />}
            title={<span class="break-all">{account.primary_email}</span>}
            facts={
                <>
                    {account.full_name && <span>{account.full_name}</span>}
                    <span>
                        made <Ago at={account.created} />
                    </span>
                    <span>{plural(account.sessions, "session")}</span>
                    <span>
                        last here <Ago at={account.last_used} />
                    </span>
                </>
            }
            state={
                <>
                    {account.is_superuser && <Badge tone="accent">superuser</Badge>}
                    {!account.is_active && <Badge tone="bad">switched off</Badge>}
                </>
            }
            actions={
                mine ? (
                    <span class="text-sm text-muted">you</span>
                ) : (
                    <Button small label={`${text}: ${account.primary_email}`} onClick={onSwitch}>
                        {text}
                    </Button>
                )
            }
        />
    );
}

export function Accounts({ watch }: { watch: Watch }) {
    const [asked, ask] = useState<SeenAccount | null>(null);
    const { items, ready, more, problem, older, again, change } = usePaged<SeenAccount>(
        (after) => body(api.GET("/admin/accounts", { params: { query: { after } } })),
        watch.lists.value,
    );
    const put = (account: SeenAccount) => change((all) => all.map((one) => (one.id === account.id ? account : one)));
    if (problem) return <Failed problem={problem} again={again} />;
    if (!ready) return <Waiting />;
    return (
        <>
            <List label="Accounts, the newest first">
                {items.map((account) => (
                    <Row key={account.id} account={account} onSwitch={() => ask(account)} />
                ))}
            </List>
            {more && <More text="Older accounts" onMore={older} />}
            {asked && <SwitchDialog account={asked} onDone={put} onClose={() => ask(null)} />}
        </>
    );
}
