// Runs the measures named, or all, and prints their table.
import { existsSync } from "node:fs";
import { program } from "./ours.mjs";
import { failureText, head, rowText } from "./table.mjs";

const names = ["listeners", "load", "refresh", "writes", "reads", "start"];

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !names.includes(name));
if (unknown.length > 0) {
    console.error(`There is no measure called ${unknown.join(", ")}; there are: ${names.join(", ")}`);
    process.exit(2);
}

if (!existsSync(program)) {
    console.error(`${program} is missing: \`make bench\` builds it`);
    process.exit(2);
}

console.log(head);
for (const name of asked.length > 0 ? asked : names) {
    try {
        const { measure } = await import(`./${name}.mjs`);
        for await (const row of measure()) console.log(rowText(row));
    } catch (problem) {
        console.log(failureText(name, problem));
        process.exitCode = 1;
    }
}
process.exit();
