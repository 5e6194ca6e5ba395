// A message as the API gives it, and what can be read from it: its body in a fitting form, and what
// it takes to publish it again. The story of its dead-lettering is in deaths.ts.

import { toJson } from "./json";
import { indented } from "./tokens";

export interface Message {
  payload: string;
  payload_encoding: "string" | "base64";
  payload_bytes: number;
  redelivered: boolean;
  exchange: string;
  routing_key: string;
  message_count?: number;
  properties: Record<string, unknown> | [];
}

export type View = "json" | "text" | "hex" | "base64";

export function properties(message: Message): Record<string, unknown> {
  return Array.isArray(message.properties) ? {} : message.properties;
}

export function headersOf(message: Message): Record<string, unknown> {
  const headers = properties(message).headers;
  return headers && typeof headers === "object" && !Array.isArray(headers) ? (headers as Record<string, unknown>) : {};
}

/** The octets of the body as far as they were sent to us. */
export function octets({ payload, payload_encoding }: Message): Uint8Array {
  if (payload_encoding === "string") return new TextEncoder().encode(payload);
  return Uint8Array.from(atob(payload), (letter) => letter.charCodeAt(0));
}

/** How the body is best shown. */
export function bestView(message: Message): View {
  if (message.payload_encoding === "base64") return "hex";
  return pretty(message.payload) === undefined ? "text" : "json";
}

/** JSON with every member on a line of its own; undefined for what is no object or array. */
export function pretty(text: string): string | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    JSON.parse(text);
    return indented(text);
  } catch {
    return undefined;
  }
}

const WIDTH = 16;
const MOST = 16 * 1024;

/** Octets in rows of sixteen, with the letters that they may be. */
export function hex(data: Uint8Array): string {
  const rows: string[] = [];
  for (let at = 0; at < Math.min(data.length, MOST); at += WIDTH) {
    const part = [...data.subarray(at, at + WIDTH)];
    const codes = part.map((each) => each.toString(16).padStart(2, "0")).join(" ");
    const letters = part.map((each) => (each >= 32 && each < 127 ? String.fromCharCode(each) : "·")).join("");
    rows.push(`${at.toString(16).padStart(6, "0")}  ${codes.padEnd(WIDTH * 3 - 1)}  ${letters}`);
  }
  if (data.length > MOST) rows.push("…");
  return rows.join("\n");
}

/** Octets as base64. */
export function base64(data: Uint8Array): string {
  let raw = "";
  for (let at = 0; at < data.length; at += 0x8000) raw += String.fromCharCode(...data.subarray(at, at + 0x8000));
  return btoa(raw);
}

/** A body that its content-encoding says is packed, unpacked; undefined where that cannot be. */
export async function unpacked(message: Message): Promise<Uint8Array | undefined> {
  const format = PACKED[String(properties(message).content_encoding ?? "").toLowerCase()];
  if (!format) return undefined;
  try {
    const stream = new Blob([octets(message) as BlobPart]).stream().pipeThrough(new DecompressionStream(format));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  } catch {
    return undefined;
  }
}

const PACKED: Record<string, CompressionFormat> = { gzip: "gzip", "x-gzip": "gzip", deflate: "deflate" };

/** Octets as a message has them that shows them as text, or else as base64. */
export function bodyOf(data: Uint8Array): Pick<Message, "payload" | "payload_encoding"> {
  try {
    return { payload: new TextDecoder("utf-8", { fatal: true }).decode(data), payload_encoding: "string" };
  } catch {
    return { payload: base64(data), payload_encoding: "base64" };
  }
}

/** The body as text in a view. */
export function shownAs(message: Message, view: View): string {
  if (view === "hex") return hex(octets(message));
  if (view === "base64") return message.payload_encoding === "base64" ? message.payload : base64(octets(message));
  if (view === "json") return pretty(message.payload) ?? message.payload;
  return message.payload_encoding === "string" ? message.payload : new TextDecoder().decode(octets(message));
}

/** One line that stands for the body, about what was searched for where it is far behind. */
export function glance({ payload, payload_encoding }: Message, wanted = ""): string {
  if (payload_encoding !== "string") return "";
  const at = wanted ? payload.indexOf(wanted) : -1;
  const from = at > 40 ? at - 20 : 0;
  return `${from ? "…" : ""}${payload.slice(from, from + 240).replace(/\s+/g, " ")}`;
}

/** A message as the API publishes it, for a file or the clipboard. */
export function portable(message: Message): object {
  const { exchange, routing_key, payload, payload_encoding } = message;
  return { exchange, routing_key, properties: properties(message), payload, payload_encoding };
}

/** The same as a command that publishes it. */
export function asCommand(message: Message, vhost: string, origin: string): string {
  const { exchange, ...body } = portable(message) as { exchange: string };
  const where = `${origin}/api/exchanges/${encodeURIComponent(vhost)}/${encodeURIComponent(exchange || "amq.default")}/publish`;
  const text = toJson(body).replaceAll("'", "'\\''");
  return `curl -u USER:PASSWORD -H 'content-type: application/json' -d '${text}' '${where}'`;
}

/** What a value of a header is, for who has to know. */
export function kindOf(value: unknown): string {
  if (value === null) return "nothing";
  if (Array.isArray(value)) return "list";
  if (typeof value === "object") return "table";
  if (typeof value === "string") return "text";
  if (typeof value === "boolean") return "yes/no";
  if (typeof value === "bigint") return "integer";
  return Number.isInteger(value) ? "integer" : "number";
}
