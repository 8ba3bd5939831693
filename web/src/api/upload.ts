// Sends a file in pieces, from where the server has it (tus 1.0.0), and tells how far it is.
import type { DetailedError } from "tus-js-client";
import { Problem, problemOf, type ProblemBody } from "./problem";
import { access, accessAfter, authorized } from "./session";

export interface Sending {
    upload?: string; // of one that goes on
    begun: (upload: string) => void;
    sent: (bytes: number) => void;
    signal: AbortSignal;
}

const PIECE = 32 * 1024 * 1024; // bytes: what may be sent again when the server is killed
const PAUSES_MS = [0, 500, 1_000, 2_000];

/** What the server said, or that it could not be reached. */
function reason(problem: Error | DetailedError): Error {
    const answer = "originalResponse" in problem ? problem.originalResponse : null;
    if (!answer) return new TypeError("The upload was cut off.");
    const after = Number(answer.getHeader("Retry-After"));
    let said: Partial<ProblemBody> = {};
    try {
        said = JSON.parse(answer.getBody()) as Partial<ProblemBody>;
    } catch {
        // a proxy's page
    }
    return new Problem(answer.getStatus(), said, after > 0 ? after : null);
}

/** An access token for each request; after a 401 another one. */
class Tokens {
    private last: string | null = null;
    private refused = false;

    async next(): Promise<string | null> {
        this.last = this.refused && this.last ? await accessAfter(this.last) : await access();
        return this.last;
    }

    hear(status: number): void {
        this.refused = status === 401;
    }
}

const base64 = (text: string) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));

async function begin(file: File, signal: AbortSignal): Promise<string> {
    const answer = await authorized(
        new Request("/uploads", {
            method: "POST",
            headers: { "upload-length": String(file.size), "upload-metadata": `filename ${base64(file.name)}` },
            signal,
        }),
    );
    if (!answer.ok) throw await problemOf(answer);
    return ((await answer.json()) as { id: string }).id;
}

/** All of the file is with the server: the upload's id. A refusal is thrown as a Problem: 404, the upload is no more. */
export async function upload(file: File, how: Sending): Promise<string> {
    const tus = await import("tus-js-client");
    const id = how.upload ?? (await begin(file, how.signal));
    how.signal.throwIfAborted();
    how.begun(id);
    const tokens = new Tokens();
    return new Promise((resolve, reject) => {
        const sending = new tus.Upload(file, {
            uploadUrl: `/uploads/${id}/`, // and no endpoint: one that is no more may have been loaded, and is not begun anew
            chunkSize: PIECE,
            retryDelays: PAUSES_MS,
            storeFingerprintForResuming: false,
            onBeforeRequest: async (request) => {
                const token = await tokens.next();
                if (token) request.setHeader("Authorization", `Bearer ${token}`);
            },
            onAfterResponse: (_, answer) => tokens.hear(answer.getStatus()),
            onShouldRetry: (problem, attempt) => {
                const status = problem.originalResponse?.getStatus() ?? 0;
                if (status === 401) return attempt === 0;
                return [0, 409, 423, 429].includes(status) || status >= 500;
            },
            onProgress: how.sent,
            onSuccess: () => resolve(id),
            onError: (problem) => reject(reason(problem)),
        });
        how.signal.addEventListener("abort", () => {
            void sending.abort();
            reject(new DOMException("The upload was stopped.", "AbortError"));
        });
        sending.start();
    });
}
