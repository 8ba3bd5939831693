// Switches between the system's looks, light and dark.
import { useEffect, useState } from "preact/hooks";
import { Monitor, Moon, Sun } from "lucide-preact";
import { chooseTheme, chosenTheme, type Theme } from "./theme";

const next: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };
const icons = { system: Monitor, light: Sun, dark: Moon };
const texts = { system: "as the system", light: "light", dark: "dark" };

export function ThemeButton() {
    const [theme, set] = useState(chosenTheme());
    useEffect(() => {
        const look = () => set(chosenTheme());
        addEventListener("theme", look);
        return () => removeEventListener("theme", look);
    }, []);
    const Icon = icons[theme];
    const text = `Looks: ${texts[theme]}. Change to ${texts[next[theme]]}`;
    return (
        <button
            class="grid h-9 w-9 place-items-center rounded-lg text-muted hover:bg-sunken hover:text-fg"
            aria-label={text}
            title={text}
            onClick={() => chooseTheme(next[theme])}
        >
            <Icon size={18} />
        </button>
    );
}
