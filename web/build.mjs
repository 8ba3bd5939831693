// Builds the console: node web/build.mjs OPENAPI OUT
//   OUT/openapi.d.ts   the types of the routes
//   OUT/site/          the files that are embedded, each with its packed form beside it
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import esbuild from "esbuild";
import openapiTS, { astToString } from "openapi-typescript";
import postcss from "postcss";
import tailwind from "tailwindcss";

const web = path.dirname(fileURLToPath(import.meta.url));
const [openapi, out] = process.argv.slice(2).map((name) => path.resolve(name));
const site = path.join(out, "site");
process.chdir(web);

const FIRST_LOAD_MAX = 150_000; // bytes as they are sent

/** The page's types are the routes' own: what does not fit them does not compile. */
async function types() {
    mkdirSync(out, { recursive: true });
    const text = astToString(await openapiTS(JSON.parse(readFileSync(openapi, "utf8")), { alphabetize: true }));
    writeFileSync(path.join(out, "openapi.d.ts"), text);
    const config = {
        extends: path.join(web, "tsconfig.json"),
        compilerOptions: {
            paths: { openapi: [path.join(out, "openapi.d.ts")] },
            incremental: true,
            tsBuildInfoFile: path.join(out, "tsbuildinfo"),
        },
        include: [path.join(web, "src")],
    };
    writeFileSync(path.join(out, "tsconfig.json"), JSON.stringify(config));
    const tsc = path.join(web, "node_modules/typescript/bin/tsc");
    await promisify(execFile)(process.execPath, [
        tsc,
        "-p",
        path.join(out, "tsconfig.json"),
        "--pretty",
        "false",
    ]).catch((problem) => {
        throw new Error(problem.stdout || problem.message);
    });
}

const common = {
    absWorkingDir: web,
    outdir: path.join(site, "assets"),
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
    bundle: true,
    target: "es2022",
    jsx: "automatic",
    jsxImportSource: "preact",
    minify: true,
    legalComments: "none", // licenses.txt has them all
    metafile: true,
    logLevel: "warning",
};

/** The page, in pieces that are fetched when they are needed; and what runs before the first paint, in one. */
async function scripts() {
    const [theme, keeper] = await Promise.all(
        ["src/theme.ts", "src/keeper.ts"].map((entry) =>
            esbuild.build({ ...common, entryPoints: [entry], format: "iife" }),
        ),
    );
    const main = await esbuild.build({
        ...common,
        entryPoints: ["src/main.tsx"],
        splitting: true,
        format: "esm",
        define: { KEEPER: JSON.stringify(`/${outputs(keeper.metafile, "src/keeper.ts").file}`) },
    });
    return {
        inputs: { ...main.metafile.inputs, ...theme.metafile.inputs },
        outputs: { ...main.metafile.outputs, ...theme.metafile.outputs },
    };
}

async function style() {
    const from = "src/style.css";
    const chart = readFileSync("node_modules/uplot/dist/uPlot.min.css", "utf8");
    const { css } = await postcss([tailwind({ config: "./tailwind.config.js" })]).process(readFileSync(from, "utf8"), {
        from,
    });
    const { code } = await esbuild.transform(chart + css, { loader: "css", minify: true, target: "es2022" });
    const name = `assets/style-${createHash("sha256").update(code).digest("hex").slice(0, 8)}.css`;
    writeFileSync(path.join(site, name), code);
    return name;
}

/** The licenses of what is in the bundle. */
function licenses({ inputs }) {
    const packages = new Set();
    for (const input of Object.keys(inputs)) {
        const name = /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1];
        if (name) packages.add(name);
    }
    packages.add("tailwindcss");
    const text = [...packages].sort().map((name) => {
        const folder = path.join("node_modules", name);
        const { version, license } = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));
        const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
        const terms = file ? readFileSync(path.join(folder, file), "utf8").trim() : `License: ${license}`;
        return `${name} ${version}\n\n${terms}\n`;
    });
    writeFileSync(path.join(site, "licenses.txt"), text.join(`\n${"-".repeat(80)}\n\n`));
}

function outputs({ outputs }, entry) {
    const [file, { imports }] = Object.entries(outputs).find(([, output]) => output.entryPoint === entry);
    const local = (name) => path.relative(site, path.resolve(web, name));
    const first = imports.filter(({ kind }) => kind === "import-statement").map(({ path: name }) => local(name));
    return { file: local(file), first };
}

function page(meta, css) {
    const main = outputs(meta, "src/main.tsx");
    const head = [
        `<script src="/${outputs(meta, "src/theme.ts").file}"></script>`,
        `<link rel="stylesheet" href="/${css}">`,
        ...main.first.map((name) => `<link rel="modulepreload" href="/${name}">`),
        `<script type="module" src="/${main.file}"></script>`,
    ];
    const html = readFileSync("index.html", "utf8");
    if (!html.includes("<!-- head -->")) throw new Error("index.html has no place for the head");
    writeFileSync(path.join(site, "index.html"), html.replace("<!-- head -->", head.join("\n")));
    writeFileSync(path.join(site, "assets/icon.svg"), readFileSync("icon.svg"));
    return ["index.html", css, main.file, ...main.first, outputs(meta, "src/theme.ts").file];
}

function pack() {
    const sizes = {};
    for (const name of readdirSync(site, { recursive: true })) {
        if (!/\.(html|js|css|svg|txt)$/.test(name)) continue;
        const packed = gzipSync(readFileSync(path.join(site, name)), { level: 9 });
        sizes[name] = packed.length;
        writeFileSync(path.join(site, `${name}.gz`), packed);
    }
    return sizes;
}

async function build() {
    rmSync(site, { recursive: true, force: true });
    mkdirSync(path.join(site, "assets"), { recursive: true });
    const [, meta, css] = await Promise.all([types(), scripts(), style()]);
    licenses(meta);
    const first = page(meta, css);
    const sizes = pack();
    const bytes = first.reduce((sum, name) => sum + sizes[name], 0);
    if (bytes > FIRST_LOAD_MAX) throw new Error(`The first load is ${bytes} bytes, more than ${FIRST_LOAD_MAX}.`);
    if (process.env.VERBOSE) {
        for (const [name, size] of Object.entries(sizes).sort((a, b) => b[1] - a[1]))
            console.log(String(size).padStart(8), name);
    }
    console.log(`      the console's first load is ${(bytes / 1000).toFixed(1)} KB`);
}

build().catch((problem) => {
    console.error(problem.message);
    process.exit(1);
});
