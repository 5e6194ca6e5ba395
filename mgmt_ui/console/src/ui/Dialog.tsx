// Dialogs: the browser's own element traps the focus and closes on Escape.
import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { plural } from "../lib/format";
import { Icon } from "./Icon";

interface DialogProps {
  title: string;
  children: ComponentChildren;
  footer?: ComponentChildren;
  wide?: boolean;
  onClose: () => void;
  onSubmit?: () => void;
}

export function Dialog({ title, children, footer, wide, onClose, onSubmit }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    element.current?.showModal();
    return () => element.current?.close();
  }, []);
  const submit = (event: Event) => {
    event.preventDefault();
    onSubmit?.();
  };
  const pressed = (event: MouseEvent) => {
    if (event.target === element.current) onClose();
  };
  return (
    <dialog
      ref={element}
      class={`dialog ${wide ? "wide" : ""}`}
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onMouseDown={pressed}
    >
      <form onSubmit={submit}>
        <header>
          <h2>{title}</h2>
          <button type="button" class="button quiet icon" aria-label="Close" onClick={onClose}>
            <Icon name="close" />
          </button>
        </header>
        <div class="body">{children}</div>
        {footer && <footer>{footer}</footer>}
      </form>
    </dialog>
  );
}

interface Question {
  title: string;
  text: ComponentChildren;
  /** What the button that does it says. */
  verb: string;
  /** Has to be typed before it can be done. */
  type?: string;
  danger?: boolean;
  answer: (yes: boolean) => void;
}

const question = signal<Question | null>(null);

/** Asks before something that cannot be taken back; true for yes. */
export function confirm(asked: Omit<Question, "answer">): Promise<boolean> {
  return new Promise((resolve) => {
    question.value = {
      ...asked,
      answer: (yes) => {
        question.value = null;
        resolve(yes);
      },
    };
  });
}

interface QuestionOfMany {
  /** `Delete`; also what the button says, unless `verb` says otherwise. */
  does: string;
  noun: [one: string, many?: string];
  text: string;
  verb?: string;
  /** What has to be typed where it is only one. */
  one?: string | undefined;
}

/** Asks before something is done to all of these: where they are several, their number has to be typed. */
export function confirmAll(rows: unknown[], { does, noun, text, verb = does, one }: QuestionOfMany): Promise<boolean> {
  const type = rows.length > 1 ? String(rows.length) : one;
  return confirm({ title: `${does} ${plural(rows.length, ...noun)}?`, text, verb, ...(type ? { type } : {}) });
}

/** Takes the question away, as if it were answered with no. */
export function dismiss(): void {
  question.value?.answer(false);
}

export function Confirmation() {
  const asked = question.value;
  return asked ? <Asked key={asked.title} {...asked} /> : null;
}

function Asked({ title, text, verb, type, danger = true, answer }: Question) {
  const [typed, setTyped] = useState("");
  const sure = !type || typed === type;
  return (
    <Dialog
      title={title}
      onClose={() => answer(false)}
      onSubmit={() => sure && answer(true)}
      footer={
        <>
          <button type="button" class="button" autofocus={!type} onClick={() => answer(false)}>
            Cancel
          </button>
          <button type="submit" class={`button primary ${danger ? "danger" : ""}`} disabled={!sure}>
            {verb}
          </button>
        </>
      }
    >
      <div class="stack">
        <p>{text}</p>
        {type && (
          <div class="field">
            <label for="confirm-type">
              Type <b class="mono">{type}</b> to go on
            </label>
            <input
              id="confirm-type"
              class="input"
              autofocus
              autocomplete="off"
              spellcheck={false}
              value={typed}
              onInput={(event) => setTyped(event.currentTarget.value)}
            />
          </div>
        )}
      </div>
    </Dialog>
  );
}
