// Programs that listen to a channel, ready to be copied: with its id, this server's address and the person's e-mail.
export interface Place {
    origin: string;
    channel: string;
    email: string;
}

/** Inside single quotes of a shell. */
const quoted = (text: string) => text.replace(/'/g, `'\\''`);

export function curl({ origin, channel, email }: Place): string {
    return `PASSWORD='your password'

TOKEN=$(curl -s ${origin}/auth/tokens/obtain/ \\
  -H 'Content-Type: application/json' \\
  -d '{"primary_email": ${quoted(JSON.stringify(email))}, "password": "'"$PASSWORD"'"}' \\
  | sed 's/.*"access": *"\\([^"]*\\)".*/\\1/')

# To go on where you were, add -H "Last-Event-ID: the last id you got".
curl -sN ${origin}/channels/${channel}/listen/ -H "Authorization: Bearer $TOKEN"
`;
}

export function javascript({ origin, channel, email }: Place): string {
    return `const origin = ${JSON.stringify(origin)};
const channel = ${JSON.stringify(channel)};
const account = { primary_email: ${JSON.stringify(email)}, password: "your password" };
let lastEventId = ""; // where to go on after a break

async function post(path, body, token) {
    const headers = { "Content-Type": "application/json" };
    if (token) headers.Authorization = \`Bearer \${token}\`;
    const answer = await fetch(origin + path, { method: "POST", headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error((await answer.json()).detail);
    return answer.json();
}

async function listen() {
    const { access } = await post("/auth/tokens/obtain/", account);
    // EventSource can't send a token: it brings a ticket, which is good for one stream
    const { ticket } = await post(\`/channels/\${channel}/tickets/\`, {}, access);
    const query = new URLSearchParams({ ticket, lastEventId });
    const source = new EventSource(\`\${origin}/channels/\${channel}/listen/?\${query}\`);
    source.onmessage = (event) => {
        console.log(JSON.parse(event.data));
        lastEventId = event.lastEventId;
    };
    source.onerror = () => {
        source.close();
        again();
    };
}

const again = () => setTimeout(() => listen().catch(again), 1000);

listen();
`;
}

export function python({ origin, channel, email }: Place): string {
    return `# pip install requests
import json
import time

import requests

ORIGIN = ${JSON.stringify(origin)}
CHANNEL = ${JSON.stringify(channel)}
ACCOUNT = {"primary_email": ${JSON.stringify(email)}, "password": "your password"}


def token():
    answer = requests.post(f"{ORIGIN}/auth/tokens/obtain/", json=ACCOUNT, timeout=10)
    answer.raise_for_status()
    return answer.json()["access"]


def events(last_id):
    """Until the connection ends. The server says something every 20 seconds."""
    headers = {"Authorization": f"Bearer {token()}"}
    if last_id:
        headers["Last-Event-ID"] = last_id
    url = f"{ORIGIN}/channels/{CHANNEL}/listen/"
    with requests.get(url, headers=headers, stream=True, timeout=45) as answer:
        answer.raise_for_status()
        event = {}
        for line in answer.iter_lines(chunk_size=1):
            name, _, value = line.decode().partition(": ")
            if name:
                event[name] = value
                continue
            if event.get("event") == "message":
                yield event["id"], json.loads(event["data"])
            event = {}


last_id = None  # where to go on after a break
while True:
    try:
        for event_id, told in events(last_id):
            print(told, flush=True)
            last_id = event_id
    except requests.RequestException as problem:
        print(f"{problem}; trying again", flush=True)
    time.sleep(1)
`;
}
