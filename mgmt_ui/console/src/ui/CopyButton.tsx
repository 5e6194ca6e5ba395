// Puts a text on the clipboard, and says so for a moment.
import { useState } from "preact/hooks";
import { Icon } from "./Icon";
import { complain } from "./Toasts";

/** `text` is made when it is asked for. `bare` shows the sign alone. */
export function CopyButton({ text, label, bare = false }: { text: () => string; label: string; bare?: boolean }) {
  const [done, setDone] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text());
      setDone(true);
      setTimeout(() => setDone(false), 1500);
    } catch {
      complain(new Error("The browser does not let this page use the clipboard: it needs HTTPS or localhost."));
    }
  };
  return (
    <button type="button" class={`button small ${bare ? "quiet icon" : ""}`} aria-label={bare ? label : undefined} title={label} aria-live="polite" onClick={copy}>
      <Icon name={done ? "check" : "copy"} />
      {!bare && (done ? "Copied" : label)}
    </button>
  );
}
