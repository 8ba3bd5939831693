// How the console looks to this person in this browser.
import { useEffect, useState } from "preact/hooks";
import { Choices } from "../ui/choices";
import { Card } from "../ui/page";
import { chooseTheme, chosenTheme } from "../ui/theme";

export function Looks() {
    const [theme, set] = useState(chosenTheme());
    useEffect(() => {
        const look = () => set(chosenTheme());
        addEventListener("theme", look);
        return () => removeEventListener("theme", look);
    }, []);
    return (
        <Card title="Looks">
            <Choices
                wide
                label="Colours, kept in this browser"
                value={theme}
                choices={[
                    { value: "system", title: "As the system", text: "Light or dark as your device has it." },
                    { value: "light", title: "Light" },
                    { value: "dark", title: "Dark" },
                ]}
                onValue={chooseTheme}
            />
        </Card>
    );
}
