// One of a few, each with what it means: radio buttons.
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

interface Choice<T> {
    value: T;
    title: string;
    text?: ComponentChildren;
}

interface ChoicesProps<T> {
    label: string;
    value: T;
    choices: readonly Choice<T>[];
    onValue: (value: T) => void;
    wide?: boolean; // beside each other where there is room
    error?: string;
}

export function Choices<T extends string>({ label, value, choices, onValue, wide, error }: ChoicesProps<T>) {
    const name = useId();
    return (
        <fieldset aria-describedby={error ? `${name}-error` : undefined}>
            <legend class="mb-1 text-sm font-medium">{label}</legend>
            <div class={`grid gap-2 ${wide ? "sm:grid-cols-3" : ""}`}>
                {choices.map((choice) => (
                    <label
                        key={choice.value}
                        class={`flex cursor-pointer items-start gap-3 rounded-lg border px-3 py-2 ${
                            choice.value === value ? "border-accent bg-accent/5" : "border-edge/60 hover:border-edge"
                        }`}
                    >
                        <input
                            type="radio"
                            name={name}
                            class="mt-1 h-4 w-4 shrink-0 accent-[rgb(var(--solid))]"
                            checked={choice.value === value}
                            onChange={() => onValue(choice.value)}
                        />
                        <span>
                            <span class="font-medium">{choice.title}</span>
                            {choice.text && <span class="block text-sm text-muted">{choice.text}</span>}
                        </span>
                    </label>
                ))}
            </div>
            {error && (
                <p id={`${name}-error`} role="alert" class="mt-1 text-sm text-bad">
                    {error}
                </p>
            )}
        </fieldset>
    );
}
