// A browser by what it calls itself, as a person would.
const browsers: readonly (readonly [name: string, sign: RegExp])[] = [
    ["Edge", /\bEdgA?\//],
    ["Opera", /\bOPR\//],
    ["Firefox", /\b(Firefox|FxiOS)\//],
    ["Chrome", /\b(Chrome|CriOS|HeadlessChrome)\//],
    ["Safari", /\bSafari\//],
    ["curl", /^curl\//],
    ["Python", /^python/i],
    ["Node", /^(node|undici)/i],
];

const systems: readonly (readonly [name: string, sign: RegExp])[] = [
    ["Android", /Android/],
    ["an iPhone", /iPhone/],
    ["an iPad", /iPad/],
    ["Windows", /Windows/],
    ["a Mac", /Mac OS X|Macintosh/],
    ["Linux", /Linux|X11/],
];

/** "Firefox on Linux" */
export function agentText(agent: string | null): string {
    if (!agent) return "An unnamed program";
    const named = (list: readonly (readonly [string, RegExp])[]) => list.find(([, sign]) => sign.test(agent))?.[0];
    const browser = named(browsers);
    const system = named(systems);
    if (!browser) return agent;
    return system ? `${browser} on ${system}` : browser;
}
