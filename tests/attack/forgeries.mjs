// Tokens that must open nothing: {what, headers or query} from a good one, and from the key that signs when it is known.
import { createHmac, generateKeyPairSync, randomBytes } from "node:crypto";
import { decodeJwt, exportJWK, SignJWT } from "jose";

const text = (bytes) => new TextEncoder().encode(bytes);
const part = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

/** A token put together by hand, whatever its head says. */
export function handmade(head, claims, key, digest = "sha256") {
    const signed = `${part(head)}.${part(claims)}`;
    return `${signed}.${createHmac(digest, key).update(signed).digest("base64url")}`;
}

const now = () => Math.floor(Date.now() / 1000);
const HS256 = { alg: "HS256", typ: "JWT" };

/** By other algorithms than the one that is right. */
async function algorithms(token, key) {
    const claims = decodeJwt(token);
    const [head, payload, signature] = token.split(".");
    const unsigned = ["none", "None", "NONE", "nOnE", "", "HS256 ", "hs256", null].flatMap((alg) => {
        const other = part({ alg, typ: "JWT" });
        return [`${other}.${payload}.`, `${other}.${payload}`, `${other}.${payload}.${signature}`];
    });
    const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const ed = generateKeyPairSync("ed25519");
    const sign = (alg, by, more = {}) => new SignJWT(claims).setProtectedHeader({ alg, ...more }).sign(by);
    const pem = rsa.publicKey.export({ type: "spki", format: "pem" });
    return [
        ...unsigned,
        await sign("HS384", text(key)),
        await sign("HS512", text(key + key)),
        handmade({ alg: "HS384", typ: "JWT" }, claims, key, "sha384"),
        handmade({ alg: "HS512", typ: "JWT" }, claims, key, "sha512"),
        handmade({ alg: "RS256", typ: "JWT" }, claims, key),
        handmade({ alg: "none", typ: "JWT" }, claims, key),
        handmade({ typ: "JWT" }, claims, key),
        handmade({ alg: ["HS256"], typ: "JWT" }, claims, key),
        await sign("RS256", rsa.privateKey),
        await sign("PS256", rsa.privateKey),
        await sign("ES256", ec.privateKey),
        await sign("EdDSA", ed.privateKey),
        handmade(HS256, claims, pem), // the public key of an RSA pair, taken for a secret
        `${head}.${payload}.${randomBytes(32).toString("base64url")}`,
    ].map((forged) => ["an algorithm that is not ours", forged]);
}

/** By keys that come with the token, or are simply others. */
async function keys(token, key) {
    const claims = decodeJwt(token);
    const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const jwk = await exportJWK(rsa.publicKey);
    const other = `${key}!`;
    const oct = { kty: "oct", k: part(other) };
    return [
        ...[other, key.slice(0, -1), "", "\0", "secret", key.toUpperCase(), part(key)].map((by) =>
            handmade(HS256, claims, by),
        ),
        handmade({ ...HS256, jwk: oct }, claims, other),
        handmade({ ...HS256, jku: "http://127.0.0.1:1/keys.json" }, claims, other),
        handmade({ ...HS256, x5u: "http://127.0.0.1:1/chain.pem" }, claims, other),
        handmade({ ...HS256, kid: "../../../../dev/null" }, claims, ""),
        handmade({ ...HS256, kid: "' UNION SELECT 'x" }, claims, "x"),
        await new SignJWT(claims).setProtectedHeader({ alg: "RS256", jwk }).sign(rsa.privateKey),
    ].map((forged) => ["a key that is not ours", forged]);
}

/** Signed by us (as if the key had leaked to another service), but not saying what a token must say. */
function contents(token, key) {
    const claims = decodeJwt(token);
    const without = (name) => Object.fromEntries(Object.entries(claims).filter(([other]) => other !== name));
    const other = claims.token_type === "access" ? "refresh" : "access";
    const nobody = "01900000-0000-7000-8000-000000000000";
    return [
        { ...claims, exp: now() - 1 },
        { ...claims, exp: 0 },
        { ...claims, exp: -1 },
        { ...claims, exp: String(now() + 300) },
        { ...claims, exp: null },
        { ...claims, exp: [now() + 300] },
        { ...claims, exp: true },
        without("exp"),
        { ...claims, nbf: now() + 300 },
        { ...claims, token_type: other },
        { ...claims, token_type: [claims.token_type] },
        { ...claims, token_type: "" },
        without("token_type"),
        { ...claims, sid: nobody },
        { ...claims, team: nobody },
        { ...claims, sid: "' OR 1=1 --" },
        { ...claims, team: "%" },
        without("sid"),
        without("team"),
        without("sub"),
        without("jti"),
        [],
        "null",
        "{",
        '"claims"',
    ].map((said) => ["other contents", handmade(HS256, said, key)]);
}

/** Bent until it is no token, or no longer the one that was signed. */
function malformed(token) {
    const [head, payload, signature] = token.split(".");
    const last = signature.at(-1) === "A" ? "B" : "A";
    const standard = Buffer.from(signature, "base64url").toString("base64");
    return [
        ".",
        "..",
        "...",
        "a.b.c",
        `${head}.${payload}`,
        `${head}.${payload}.`,
        `.${payload}.${signature}`,
        `${head}..${signature}`,
        `${payload}.${head}.${signature}`,
        token.slice(0, -1),
        `${token}A`,
        `${token}.`,
        `${token}=`,
        `${head}.${payload}.${signature.slice(0, -1)}${last}`,
        `${head}.${payload}.${standard}`,
        `${head}.${part({ ...decodeJwt(token), superuser: true })}.${signature}`,
        `${head}.${payload}.${signature}.a.b`,
        `"${token}"`,
        `${token},${token}`,
        "null",
        "undefined",
        "x".repeat(6_000),
        part({ protected: head, payload, signature }),
        randomBytes(64).toString("base64url"),
    ].map((forged) => ["no token", forged]);
}

/** All of them, as [what, token]: each must be refused wherever `token` is taken. */
export async function forgeries(token, key) {
    return [
        ...(await algorithms(token, key)),
        ...(await keys(token, key)),
        ...contents(token, key),
        ...malformed(token),
    ];
}

/** A good token, in places where none is looked for or none may be: [what, {headers, query}]. */
export function misplaced(token, refresh) {
    const header = (value, name = "authorization") => ({ headers: { [name]: value } });
    return [
        ["no token at all", {}],
        ["no scheme", header(token)],
        ["a scheme alone", header("JWT")],
        ["an empty token", header("Bearer ")],
        ["two schemes", header(`JWT JWT ${token}`)],
        ["two tokens", header(`JWT ${token} ${token}`)],
        ...["Basic", "Digest", "Token", "Negotiate", "JWTBearer", "JWT,Bearer"].map((scheme) => [
            `the scheme ${scheme}`,
            header(`${scheme} ${token}`),
        ]),
        ["a password", header(`Basic ${Buffer.from("user@example.com:password1").toString("base64")}`)],
        ["a refresh token", header(`JWT ${refresh}`)],
        ["a refresh token as Bearer", header(`Bearer ${refresh}`)],
        [
            "cookies",
            header(
                ["jwt", "token", "access", "session", "Authorization"].map((n) => `${n}=${token}`).join("; "),
                "cookie",
            ),
        ],
        ...["x-authorization", "x-api-key", "x-access-token", "x-forwarded-user", "proxy-authorization"].map((name) => [
            `the header ${name}`,
            header(`JWT ${token}`, name),
        ]),
        ...["token", "access_token", "access", "jwt", "authorization", "ticket"].map((name) => [
            `the query's ${name}`,
            { query: `${name}=${token}` },
        ]),
    ];
}
