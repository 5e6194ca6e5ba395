// What has happened, said in the corner: successes go by themselves, failures stay.
import { signal } from "@preact/signals";
import { Icon } from "./Icon";

interface Toast {
  id: number;
  text: string;
  bad: boolean;
  action?: { label: string; run: () => void };
}

const toasts = signal<Toast[]>([]);
let last = 0;

const STAY_MS = 5000;

export function say(text: string, action?: Toast["action"]): void {
  add({ text, bad: false, ...(action ? { action } : {}) }, action ? 2 * STAY_MS : STAY_MS);
}

export function complain(error: unknown): void {
  if ((error as Error)?.name === "AbortError") return;
  add({ text: error instanceof Error ? error.message : String(error), bad: true });
}

function add(toast: Omit<Toast, "id">, stay?: number): void {
  const id = ++last;
  toasts.value = [...toasts.value.slice(-4), { id, ...toast }];
  if (stay) setTimeout(() => drop(id), stay);
}

function drop(id: number): void {
  toasts.value = toasts.value.filter((each) => each.id !== id);
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map(({ id, text, bad, action }) => (
        <div key={id} class={`toast ${bad ? "bad" : ""}`} role={bad ? "alert" : undefined}>
          <p>{text}</p>
          {action && (
            <button
              type="button"
              class="button small"
              onClick={() => {
                drop(id);
                action.run();
              }}
            >
              {action.label}
            </button>
          )}
          <button type="button" class="button quiet icon small" aria-label="Dismiss" onClick={() => drop(id)}>
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}
