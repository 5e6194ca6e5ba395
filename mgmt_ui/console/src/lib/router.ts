// Where we are: everything that a page shows is in the part of the address after `#`, as
// `#/queues/%2F/orders?tab=messages`, so that each state can be linked to, and RabbitMQ's
// bookmarks lead to the same objects.
import { computed, signal } from "@preact/signals";

export interface Place {
  /** Decoded segments: `["queues", "/", "orders"]`. */
  parts: string[];
  query: Record<string, string>;
}

export function parse(hash: string): Place {
  const [path = "", search = ""] = split(hash.replace(/^#?\/?/, ""), "?");
  const parts = path.split("/").filter(Boolean).map(decode);
  return { parts, query: Object.fromEntries(new URLSearchParams(search)) };
}

function split(text: string, mark: string): [string, string] {
  const index = text.indexOf(mark);
  return index < 0 ? [text, ""] : [text.slice(0, index), text.slice(index + 1)];
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The address of a place; empty values of the query are left out. */
export function href(parts: string[], query: Record<string, string | undefined> = {}): string {
  const kept = Object.entries(query).filter((entry): entry is [string, string] => Boolean(entry[1]));
  const search = new URLSearchParams(kept).toString();
  return `#/${parts.map(encodeURIComponent).join("/")}${search ? `?${search}` : ""}`;
}

const hash = signal(typeof window === "undefined" ? "" : window.location.hash);
export const place = computed(() => parse(hash.value));

export function go(to: string, { replace = false } = {}): void {
  if (replace) window.history.replaceState(null, "", to);
  else window.history.pushState(null, "", to);
  hash.value = to;
}

/** Changes members of the query, keeps the rest; undefined or "" removes one. */
export function setQuery(changes: Record<string, string | undefined>): void {
  const { parts, query } = place.value;
  go(href(parts, { ...query, ...changes }), { replace: true });
}

if (typeof window !== "undefined") {
  const follow = () => {
    hash.value = window.location.hash;
  };
  window.addEventListener("hashchange", follow);
  window.addEventListener("popstate", follow);
}
