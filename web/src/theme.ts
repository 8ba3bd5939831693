// Dark or light before the first paint: what the person chose, else what the system says. Loaded ahead of everything else.
import { applyTheme, chosenTheme } from "./ui/theme";

applyTheme(chosenTheme());
