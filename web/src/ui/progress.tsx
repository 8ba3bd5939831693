// How far something is, as a bar; without a value it is under way, and nobody knows how far.
interface ProgressProps {
    label: string;
    value?: number;
    max?: number;
}

export function Progress({ label, value, max = 1 }: ProgressProps) {
    const part = value === undefined || max <= 0 ? undefined : Math.min(Math.max(value / max, 0), 1);
    return (
        <div
            role="progressbar"
            aria-label={label}
            aria-valuemin={0}
            aria-valuemax={100}
            aria-valuenow={part === undefined ? undefined : Math.round(part * 100)}
            class="h-2 overflow-hidden rounded-full bg-line"
        >
            <div
                class={`h-full rounded-full bg-solid ${part === undefined ? "w-1/3 animate-pulse" : "transition-[width]"}`}
                style={part === undefined ? {} : { width: `${part * 100}%` }}
            />
        </div>
    );
}
