// A dialog that does one thing: what the API refuses stays in it, by the field where it can be told
// which, and what it has done is said and shown at once.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { refresh } from "../lib/live";
import { Dialog } from "./Dialog";
import { say } from "./Toasts";

interface Props {
  title: string;
  /** What the button that does it says. */
  verb: string;
  wide?: boolean;
  disabled?: boolean;
  /** Which lines of a refusal belong to which field. */
  fields?: Record<string, RegExp>;
  /** Does it, and gives what to say of it; what it throws is shown. */
  run: () => Promise<string>;
  /** What comes once it is done and the dialog is gone. */
  then?: () => void;
  onClose: () => void;
  children: ComponentChildren | ((at: (field: string) => string | undefined) => ComponentChildren);
}

export function FormDialog({ title, verb, wide, disabled, fields = {}, run, then, onClose, children }: Props) {
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async () => {
    if (disabled || busy) return;
    setBusy(true);
    try {
      say(await run());
      refresh();
      onClose();
      then?.();
    } catch (error) {
      setProblem((error as Error).message);
      setBusy(false);
    }
  };
  const lines = linesOf(problem);
  const rest = lines.filter((line) => !Object.values(fields).some((pattern) => pattern.test(line)));
  const at = (field: string) => lines.find((line) => fields[field]?.test(line));
  return (
    <Dialog
      title={title}
      {...(wide ? { wide } : {})}
      onClose={onClose}
      onSubmit={submit}
      footer={
        <>
          <button type="button" class="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="button primary" disabled={disabled || busy}>
            {verb}
          </button>
        </>
      }
    >
      <div class="form">
        {rest.length > 0 && (
          <p class="banner bad all" role="alert">
            {rest.join(" ")}
          </p>
        )}
        {typeof children === "function" ? children(at) : children}
      </div>
    </Dialog>
  );
}

/** The lines of a refusal; RabbitMQ's first one, which says nothing, is left out. */
function linesOf(problem: string): string[] {
  return problem
    .replace(/^Validation failed\s*/, "")
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
}
