// The field for a time zone: a list of all, found by typing.
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { Labelled } from "../ui/field";
import { clockIn, own, zonesLike } from "./zones";

const SHOWN_MAX = 50;

interface ZoneFieldProps {
    value: string;
    onValue: (zone: string) => void;
    error?: string;
}

function Option({ id, name, active, chosen, onChoose }: OptionProps) {
    const place = useRef<HTMLLIElement>(null);
    useEffect(() => {
        if (active) place.current?.scrollIntoView({ block: "nearest" });
    }, [active]);
    return (
        <li
            ref={place}
            id={id}
            role="option"
            aria-selected={chosen}
            class={`flex cursor-pointer justify-between gap-4 px-3 py-1.5 ${active ? "bg-accent/10" : "hover:bg-sunken"}`}
            onMouseDown={(event) => event.preventDefault()} // the field keeps the focus
            onClick={onChoose}
        >
            <span class="min-w-0 break-words">
                {name}
                {name === own && <span class="text-muted"> (yours)</span>}
            </span>
            <span class="whitespace-nowrap text-muted tabular-nums">{clockIn(name)}</span>
        </li>
    );
}

interface OptionProps {
    id: string;
    name: string;
    active: boolean;
    chosen: boolean;
    onChoose: () => void;
}

export function ZoneField({ value, onValue, error }: ZoneFieldProps) {
    const [text, type] = useState<string | null>(null); // null: nothing is searched for
    const [open, show] = useState(false);
    const [active, move] = useState(0);
    const list = useId();
    const found = zonesLike(text ?? "");
    const shown = found.slice(0, SHOWN_MAX);

    const close = () => {
        show(false);
        type(null);
        move(0);
    };
    const choose = (name: string | undefined) => {
        if (name) onValue(name);
        close();
    };
    const keys = (event: KeyboardEvent) => {
        const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        if (step) {
            event.preventDefault();
            if (open) move(Math.max(0, Math.min(shown.length - 1, active + step)));
            show(true);
        } else if (event.key === "Enter" && open) {
            event.preventDefault();
            choose(shown[active] ?? text?.trim());
        } else if (event.key === "Escape" && open) {
            event.preventDefault();
            close();
        }
    };
    return (
        <div class="relative">
            <Labelled label="Time zone" error={error} hint="Type to search: a city, a continent, or UTC.">
                {(ids) => (
                    <input
                        {...ids}
                        type="text"
                        role="combobox"
                        autocomplete="off"
                        spellcheck={false}
                        aria-expanded={open}
                        aria-controls={list}
                        aria-autocomplete="list"
                        aria-activedescendant={open && shown.length ? `${list}-${active}` : undefined}
                        value={text ?? value}
                        onFocus={(event) => event.currentTarget.select()}
                        onClick={() => show(true)}
                        onInput={(event) => {
                            type(event.currentTarget.value);
                            move(0);
                            show(true);
                        }}
                        onKeyDown={keys}
                        onBlur={() => (text ? choose(shown[active] ?? text.trim()) : close())}
                    />
                )}
            </Labelled>
            <ul
                id={list}
                role="listbox"
                aria-label="Time zones"
                hidden={!open || shown.length === 0}
                class="absolute inset-x-0 top-[4.25rem] z-20 max-h-72 overflow-y-auto rounded-lg border border-edge/60 bg-surface py-1 shadow-lg"
            >
                {open &&
                    shown.map((name, i) => (
                        <Option
                            key={name}
                            id={`${list}-${i}`}
                            name={name}
                            active={i === active}
                            chosen={name === value}
                            onChoose={() => choose(name)}
                        />
                    ))}
            </ul>
        </div>
    );
}
