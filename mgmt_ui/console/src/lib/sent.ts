// What was published by hand in this tab lately, to begin the next message with. It may be private:
// it is kept until the tab is closed, and not beyond.
import { signal } from "@preact/signals";
import { parseJson, toJson } from "./json";
import { session } from "./session";

export interface Sent {
  exchange: string;
  routing_key: string;
  payload: string;
  payload_encoding: "string" | "base64";
  properties: Record<string, unknown>;
  at: number;
}

const KEY = "leveret.sent";
const MOST = 8;
const MOST_LETTERS = 64 * 1024;

export const sent = signal<Sent[]>(stored());

/** Notes a message that was published; the same one again only moves to the front. */
export function noteSent(message: Sent): void {
  if (message.payload.length > MOST_LETTERS) return;
  const same = ({ at: _, ...rest }: Sent) => toJson(rest);
  sent.value = [message, ...sent.value.filter((each) => same(each) !== same(message))].slice(0, MOST);
  try {
    sessionStorage.setItem(KEY, toJson(sent.value));
  } catch {
    // Then it is kept until the next reload.
  }
}

function stored(): Sent[] {
  try {
    return parseJson<Sent[]>(sessionStorage.getItem(KEY) ?? "[]");
  } catch {
    return [];
  }
}

// Who signs in next has published nothing yet.
session.subscribe((value) => {
  if (value === null && sent.value.length) {
    sent.value = [];
    sessionStorage.removeItem(KEY);
  }
});
