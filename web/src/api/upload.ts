// Sends a form with a file and tells how far it is: fetch can't, so this is XMLHttpRequest.
import { Problem, type ProblemBody } from "./problem";
import { access, accessAfter } from "./session";

export interface Sending {
    sent: (bytes: number, total: number) => void;
    signal?: AbortSignal;
    headers?: Record<string, string>;
}

function send(path: string, form: FormData, token: string | null, how: Sending): Promise<XMLHttpRequest> {
    return new Promise((resolve, reject) => {
        const request = new XMLHttpRequest();
        request.open("POST", path);
        if (token) request.setRequestHeader("authorization", `Bearer ${token}`);
        for (const [name, value] of Object.entries(how.headers ?? {})) request.setRequestHeader(name, value);
        request.upload.onprogress = (event) => how.sent(event.loaded, event.total);
        request.onload = () => resolve(request);
        request.onerror = () => reject(new TypeError("The upload was cut off."));
        request.onabort = () => reject(new DOMException("The upload was stopped.", "AbortError"));
        how.signal?.addEventListener("abort", () => request.abort());
        request.send(form);
    });
}

/** The answer's JSON; a refusal is thrown as a Problem. */
export async function upload<T>(path: string, form: FormData, how: Sending): Promise<{ status: number; body: T }> {
    const token = await access();
    let request = await send(path, form, token, how);
    if (request.status === 401 && token) request = await send(path, form, await accessAfter(token), how);
    let answer: unknown = {};
    try {
        answer = JSON.parse(request.responseText);
    } catch {
        // no JSON: the status says enough
    }
    if (request.status >= 400) {
        const after = Number(request.getResponseHeader("retry-after"));
        throw new Problem(request.status, answer as Partial<ProblemBody>, after > 0 ? after : null);
    }
    return { status: request.status, body: answer as T };
}
