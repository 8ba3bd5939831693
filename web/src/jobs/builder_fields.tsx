// What there is to say of each kind of schedule.
import { Checkbox, SelectField, TextField } from "../ui/field";
import { DAYS, EVERY_MINUTES, type Pattern, type Time } from "./pattern";

const FROM_MONDAY = [1, 2, 3, 4, 5, 6, 0];

interface NumberProps {
    label: string;
    value: number;
    min: number;
    max: number;
    onValue: (n: number) => void;
}

function NumberField({ label, value, min, max, onValue }: NumberProps) {
    return (
        <TextField
            label={label}
            type="number"
            min={min}
            max={max}
            value={String(value)}
            onValue={(text) => /^\d+$/.test(text) && onValue(Number(text))}
        />
    );
}

function TimeField({ time, onValue }: { time: Time; onValue: (time: Time) => void }) {
    const two = (n: number) => String(n).padStart(2, "0");
    return (
        <TextField
            label="At"
            type="time"
            value={`${two(time.hour)}:${two(time.minute)}`}
            onValue={(text) => {
                const [hour, minute] = text.split(":").map(Number);
                if (hour !== undefined && minute !== undefined) onValue({ hour, minute });
            }}
        />
    );
}

function DaysField({ days, onValue }: { days: number[]; onValue: (days: number[]) => void }) {
    const turn = (day: number, on: boolean) => {
        const next = on ? [...days, day].sort() : days.filter((other) => other !== day);
        onValue(next.length ? next : days); // one stays
    };
    return (
        <fieldset class="sm:col-span-2">
            <legend class="text-sm font-medium">Days</legend>
            <div class="mt-1 flex flex-wrap gap-x-4">
                {FROM_MONDAY.map((day) => (
                    <Checkbox
                        key={day}
                        label={DAYS[day] ?? ""}
                        checked={days.includes(day)}
                        onValue={(on) => turn(day, on)}
                    />
                ))}
            </div>
        </fieldset>
    );
}

export function Details({ pattern, onValue }: { pattern: Pattern; onValue: (pattern: Pattern) => void }) {
    switch (pattern.kind) {
        case "seconds":
            return (
                <NumberField
                    label="Seconds from one to the next"
                    min={1}
                    max={59}
                    value={pattern.every}
                    onValue={(every) => onValue({ kind: "seconds", every })}
                />
            );
        case "minutes":
            return (
                <SelectField
                    label="Minutes from one to the next"
                    value={String(pattern.every)}
                    options={EVERY_MINUTES.map((n) => [String(n), String(n)] as const)}
                    onValue={(every) => onValue({ kind: "minutes", every: Number(every) })}
                />
            );
        case "hourly":
            return (
                <NumberField
                    label="Minutes past the hour"
                    min={0}
                    max={59}
                    value={pattern.minute}
                    onValue={(minute) => onValue({ kind: "hourly", minute })}
                />
            );
        case "daily":
            return <TimeField time={pattern} onValue={(time) => onValue({ ...pattern, ...time })} />;
        case "weekly":
            return (
                <>
                    <TimeField time={pattern} onValue={(time) => onValue({ ...pattern, ...time })} />
                    <DaysField days={pattern.days} onValue={(days) => onValue({ ...pattern, days })} />
                </>
            );
        case "monthly":
            return (
                <>
                    <NumberField
                        label="Day of the month"
                        min={1}
                        max={31}
                        value={pattern.day}
                        onValue={(day) => onValue({ ...pattern, day })}
                    />
                    <TimeField time={pattern} onValue={(time) => onValue({ ...pattern, ...time })} />
                </>
            );
        case "line":
            return null;
    }
}
