// The choice between dark, light and the system's own, kept in this browser.
export type Theme = "system" | "light" | "dark";

const KEY = "tinydevcrm.theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

export function chosenTheme(): Theme {
    const kept = localStorage.getItem(KEY);
    return kept === "light" || kept === "dark" ? kept : "system";
}

export function isDark(): boolean {
    return document.documentElement.dataset.theme === "dark";
}

export function applyTheme(theme: Theme): void {
    const shown = theme === "system" ? (dark.matches ? "dark" : "light") : theme;
    document.documentElement.dataset.theme = shown;
    document.documentElement.style.colorScheme = shown;
}

export function chooseTheme(theme: Theme): void {
    if (theme === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
    applyTheme(theme);
    window.dispatchEvent(new Event("theme"));
}

dark.addEventListener("change", () => {
    applyTheme(chosenTheme());
    window.dispatchEvent(new Event("theme"));
});
