// What the viewer has chosen, kept in this browser: theme, columns, ranges. Never credentials.
import { effect, type Signal, signal } from "@preact/signals";

const PREFIX = "leveret.";
const known = new Map<string, Signal<unknown>>();

/** A signal whose value outlives the page. */
export function pref<T>(name: string, initial: T): Signal<T> {
  let found = known.get(name) as Signal<T> | undefined;
  if (!found) {
    found = signal(read(name, initial));
    known.set(name, found as Signal<unknown>);
    const kept = found;
    effect(() => write(name, kept.value));
  }
  return found;
}

function read<T>(name: string, initial: T): T {
  try {
    const text = localStorage.getItem(PREFIX + name);
    return text === null ? initial : (JSON.parse(text) as T);
  } catch {
    return initial;
  }
}

function write(name: string, value: unknown): void {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // A browser that keeps nothing still shows everything.
  }
}

export type Theme = "system" | "light" | "dark";
export const theme = pref<Theme>("theme", "system");
/** In which zone times of day are shown. */
export const zone = pref<"local" | "utc">("zone", "local");
/** The virtual host that lists are narrowed to; "" for all. */
export const chosenVhost = pref<string>("vhost", "");

if (typeof document !== "undefined") {
  effect(() => {
    if (theme.value === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme.value;
  });
}
