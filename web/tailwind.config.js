// The words of the console's looks: colours are variables of src/style.css, which has a light and a dark value of each.
const colour = (name) => `rgb(var(--${name}) / <alpha-value>)`;

export default {
    content: ["./src/**/*.{ts,tsx}", "./index.html"],
    theme: {
        colors: {
            transparent: "transparent",
            current: "currentColor",
            canvas: colour("canvas"), // behind everything
            surface: colour("surface"), // cards, bars
            sunken: colour("sunken"), // code, wells
            line: colour("line"), // borders of what is apart
            edge: colour("edge"), // borders of what can be filled in or pressed
            fg: colour("fg"),
            muted: colour("muted"),
            accent: colour("accent"), // links, what is chosen
            solid: colour("solid"), // the main button
            onsolid: colour("onsolid"),
            good: colour("good"),
            bad: colour("bad"),
            warn: colour("warn"),
            table: colour("table"), // the four kinds of things, wherever they are shown
            view: colour("view"),
            job: colour("job"),
            channel: colour("channel"),
        },
        extend: {
            fontFamily: {
                sans: ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Ubuntu", "Cantarell", "sans-serif"],
                mono: ["ui-monospace", "SFMono-Regular", "Menlo", "DejaVu Sans Mono", "Consolas", "monospace"],
            },
            keyframes: { flash: { from: { backgroundColor: "rgb(var(--accent) / 0.25)" }, to: {} } },
            animation: { flash: "flash 1.2s ease-out" },
        },
    },
};
