// Definitions files: what importing one would change, told before it is done. Pure.
import { toJson } from "./json";
import type { Arguments } from "./types";

type Item = Record<string, unknown>;
export type Document = Record<string, unknown>;

export interface Change {
  /** `kept`: it is there with other settings, which an import leaves as they are. */
  kind: "new" | "changed" | "kept";
  title: string;
  fields: { name: string; before: unknown; after: unknown }[];
}

export interface Section {
  name: string;
  title: string;
  changes: Change[];
  same: number;
}

interface Kind {
  name: string;
  title: string;
  key: string[];
  /** Members that a file may leave out, and what that means. */
  defaults?: Arguments;
  /** What is there is not touched by an import. */
  fixed?: boolean;
}

const KINDS: Kind[] = [
  { name: "users", title: "Users", key: ["name"], defaults: { tags: [], limits: {}, hashing_algorithm: undefined } },
  { name: "vhosts", title: "Virtual hosts", key: ["name"], defaults: { description: "", tags: [], default_queue_type: "classic" } },
  { name: "permissions", title: "Permissions", key: ["user", "vhost"] },
  { name: "topic_permissions", title: "Topic permissions", key: ["user", "vhost", "exchange"] },
  { name: "parameters", title: "Parameters", key: ["component", "vhost", "name"] },
  { name: "global_parameters", title: "Global parameters", key: ["name"] },
  { name: "policies", title: "Policies", key: ["vhost", "name"], defaults: { priority: 0, "apply-to": "all" } },
  { name: "exchanges", title: "Exchanges", key: ["vhost", "name"], defaults: { arguments: {}, internal: false, auto_delete: false }, fixed: true },
  { name: "queues", title: "Queues", key: ["vhost", "name"], defaults: { arguments: {}, auto_delete: false }, fixed: true },
  {
    name: "bindings",
    title: "Bindings",
    key: ["vhost", "source", "destination_type", "destination", "routing_key", "arguments"],
    defaults: { arguments: {}, routing_key: "" },
  },
];

/** What a file for one virtual host may hold. */
const CONTENTS = ["parameters", "policies", "exchanges", "queues", "bindings"];

/** Why this cannot be a definitions file; "" where it can. */
export function faultOf(document: unknown): string {
  if (document === null || typeof document !== "object" || Array.isArray(document)) {
    return "This is not a definitions file: it has to be a JSON object.";
  }
  const wrong = KINDS.find(({ name }) => name in document && !Array.isArray((document as Document)[name]));
  if (wrong) return `This is not a definitions file: “${wrong.name}” has to be a list.`;
  if (!KINDS.some(({ name }) => name in document)) return "There is nothing in it that could be imported.";
  return "";
}

/** What an import of `wanted` would do to `present`; with `vhost`, into that one only. */
export function difference(present: Document, wanted: Document, vhost = ""): Section[] {
  const kinds = vhost ? KINDS.filter(({ name }) => CONTENTS.includes(name)) : KINDS;
  return kinds.filter(({ name }) => Array.isArray(wanted[name])).map((kind) => {
    const place = (item: Item): Item => (vhost ? { vhost, ...item } : item);
    const there = new Map(items(present, kind.name).map((item) => [keyOf(kind, place(item)), place(item)]));
    const changes: Change[] = [];
    let same = 0;
    for (const item of items(wanted, kind.name).map(place)) {
      if ((vhost && item.vhost !== vhost) || builtIn(kind, item)) continue;
      const found = there.get(keyOf(kind, item));
      const fields = found ? differing(kind, found, item) : [];
      if (!found) changes.push({ kind: "new", title: titleOf(kind, item), fields: [] });
      else if (fields.length === 0) same += 1;
      else changes.push({ kind: kind.fixed ? "kept" : "changed", title: titleOf(kind, item), fields });
    }
    return { name: kind.name, title: kind.title, changes, same };
  });
}

// What the broker makes itself is left out of an import.
function builtIn({ name, fixed }: Kind, item: Item): boolean {
  if (name === "bindings") return item.source === "";
  return Boolean(fixed) && (item.name === "" || String(item.name).startsWith("amq."));
}

function items(document: Document, name: string): Item[] {
  const found = document[name];
  return Array.isArray(found) ? found.filter((each): each is Item => each !== null && typeof each === "object") : [];
}

function keyOf({ key, defaults }: Kind, item: Item): string {
  return key.map((name) => stable(item[name] ?? defaults?.[name] ?? "")).join(" ");
}

function titleOf({ name, key }: Kind, item: Item): string {
  const text = (part: string) => String(item[part] ?? "");
  if (name === "bindings") return `${text("source")} → ${text("destination")}  ${text("routing_key")}`.trim();
  const place = key.includes("vhost") && item.vhost !== undefined ? ` in ${text("vhost")}` : "";
  const own = key.filter((part) => part !== "vhost" && item[part] !== undefined);
  return own.map(text).join(" · ") + place;
}

// What a file says beside these members is not looked at by an import.
const IGNORED = new Set(["metadata", "type_hint"]);
const SECRET = new Set(["password_hash", "password"]);

function differing({ defaults = {} }: Kind, present: Item, wanted: Item): Change["fields"] {
  return Object.keys(wanted)
    .filter((name) => !IGNORED.has(name))
    .filter((name) => normal(name, present[name] ?? defaults[name]) !== normal(name, wanted[name] ?? defaults[name]))
    .map((name) =>
      SECRET.has(name)
        ? { name, before: "(hidden)", after: "(another one)" }
        : { name, before: present[name], after: wanted[name] },
    );
}

/** A value as a text to compare; tags are a list, or a text with commas as old files have them. */
function normal(name: string, value: unknown): string {
  return stable(name === "tags" && typeof value === "string" ? value.split(",").filter(Boolean) : value);
}

/** JSON with the members of objects in order, so that equal things are equal texts. */
export function stable(value: unknown): string {
  return (
    toJson(value, undefined, (each) =>
      each !== null && typeof each === "object" && !Array.isArray(each)
        ? Object.fromEntries(Object.entries(each).sort(([one], [other]) => (one < other ? -1 : 1)))
        : each,
    ) ?? ""
  );
}
