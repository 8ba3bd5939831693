// The browser's own file input, laid unseen over what a person sees.
import { useRef } from "preact/hooks";

interface FileInputProps {
    id: string; // of the label
    accept: string;
    onFile: (file: File) => void;
}

export function FileInput({ id, accept, onFile }: FileInputProps) {
    const input = useRef<HTMLInputElement>(null);
    return (
        <input
            ref={input}
            id={id}
            type="file"
            accept={accept}
            class="absolute inset-0 h-full w-full cursor-pointer opacity-0"
            onChange={() => {
                const chosen = input.current?.files?.[0];
                if (chosen) onFile(chosen);
                if (input.current) input.current.value = ""; // the same one may be chosen again
            }}
        />
    );
}
