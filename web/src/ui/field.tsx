// A field of a form with its label, what it is for and what is wrong with it.
import type { ComponentChildren, JSX } from "preact";
import { useId } from "preact/hooks";

const looks =
    "w-full rounded-lg border border-edge/70 bg-surface px-3 py-2 text-fg min-h-10 focus:border-accent " +
    "aria-[invalid=true]:border-bad disabled:opacity-60";

interface LabelProps {
    label: string;
    hint?: ComponentChildren;
    error?: string;
    children: (ids: {
        id: string;
        "aria-describedby"?: string;
        "aria-invalid"?: boolean;
        class: string;
    }) => ComponentChildren;
}

/** The label around any control. */
export function Labelled({ label, hint, error, children }: LabelProps) {
    const id = useId();
    const told = [hint ? `${id}-hint` : "", error ? `${id}-error` : ""].filter(Boolean).join(" ");
    return (
        <div class="grid gap-1">
            <label for={id} class="text-sm font-medium">
                {label}
            </label>
            {children({
                id,
                "aria-describedby": told || undefined,
                "aria-invalid": error ? true : undefined,
                class: looks,
            })}
            {hint && (
                <p id={`${id}-hint`} class="text-sm text-muted">
                    {hint}
                </p>
            )}
            {error && (
                <p id={`${id}-error`} role="alert" class="text-sm text-bad">
                    {error}
                </p>
            )}
        </div>
    );
}

type InputProps = Omit<JSX.IntrinsicElements["input"], "label" | "onInput" | "class"> & {
    class?: string;
    label: string;
    hint?: ComponentChildren;
    error?: string;
    value: string;
    onValue: (value: string) => void;
};

export function TextField({ label, hint, error, onValue, class: more = "", ...input }: InputProps) {
    return (
        <Labelled label={label} hint={hint} error={error}>
            {(ids) => (
                <input
                    type="text"
                    {...input}
                    {...ids}
                    class={`${ids.class} ${more}`}
                    onInput={(event) => onValue(event.currentTarget.value)}
                />
            )}
        </Labelled>
    );
}

interface SelectProps {
    label: string;
    hint?: ComponentChildren;
    error?: string;
    value: string;
    options: readonly (readonly [value: string, text: string])[];
    onValue: (value: string) => void;
    disabled?: boolean;
}

export function SelectField({ label, hint, error, value, options, onValue, disabled }: SelectProps) {
    return (
        <Labelled label={label} hint={hint} error={error}>
            {(ids) => (
                <select
                    {...ids}
                    value={value}
                    disabled={disabled}
                    onChange={(event) => onValue(event.currentTarget.value)}
                >
                    {options.map(([key, text]) => (
                        <option key={key} value={key}>
                            {text}
                        </option>
                    ))}
                </select>
            )}
        </Labelled>
    );
}

export function Checkbox(props: {
    label: string;
    checked: boolean;
    onValue: (checked: boolean) => void;
    disabled?: boolean;
}) {
    return (
        <label class="inline-flex min-h-8 cursor-pointer items-center gap-2 text-sm">
            <input
                type="checkbox"
                class="h-4 w-4 shrink-0 accent-[rgb(var(--solid))]"
                checked={props.checked}
                disabled={props.disabled}
                onChange={(event) => props.onValue(event.currentTarget.checked)}
            />
            {props.label}
        </label>
    );
}
