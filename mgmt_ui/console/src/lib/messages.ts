// A message as the API gives it, and what can be read from it: its body in a fitting form, the story
// of its dead-lettering.
import { local, plural } from "./format";

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

export type View = "json" | "text" | "hex";

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
    return JSON.stringify(JSON.parse(text), null, 2);
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

const REASONS: Record<string, string> = {
  rejected: "was rejected by a consumer in",
  expired: "expired in",
  maxlen: "had to make room in",
  delivery_limit: "came back too often in",
};

/** The story of `x-death`, what happened first at the beginning. */
export function deathStory(headers: Record<string, unknown>): string[] {
  const deaths = headers["x-death"];
  if (!Array.isArray(deaths)) return [];
  return [...deaths].reverse().map((each) => sentence(each as Record<string, unknown>));
}

function sentence(death: Record<string, unknown>): string {
  const keys = Array.isArray(death["routing-keys"]) ? death["routing-keys"].map((key) => `“${key}”`).join(", ") : "";
  const came = death.exchange ? `came through “${death.exchange}” with ${keys}` : `was sent to ${keys || "the queue"}`;
  const times = Number(death.count ?? 1);
  const often = times > 1 ? ` (${plural(times, "time")})` : "";
  const at = typeof death.time === "number" ? `, first on ${local(death.time * 1000)}` : "";
  const reason = REASONS[String(death.reason)] ?? `left (${String(death.reason)})`;
  return `It ${came}, and ${reason} queue “${String(death.queue)}”${often}${at}.`;
}

/** Whether a message has this text anywhere: body, key, properties, headers. */
export function contains(message: Message, text: string): boolean {
  const wanted = text.toLowerCase();
  const all = [message.payload, message.routing_key, message.exchange, JSON.stringify(message.properties)];
  return all.some((each) => each.toLowerCase().includes(wanted));
}
