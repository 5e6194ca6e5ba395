// Queue arguments, policy keys and features in words. One row each: the short sign that lists show,
// and the sentence that a page shows.
import { bytes, count, span } from "./format";
import type { Arguments } from "./types";

interface Word {
  /** The policy key; the queue argument is the same with `x-` before it. */
  key: string;
  sign: string;
  say: (value: unknown) => string;
}

const ms = (value: unknown) => span(Number(value));
const many = (value: unknown) => count(Number(value));
const size = (value: unknown) => bytes(Number(value));

const OVERFLOW: Record<string, string> = {
  "drop-head": "When full, the oldest messages make room.",
  "reject-publish": "When full, new messages are refused (nacked where confirms are asked for).",
  "reject-publish-dlx": "When full, new messages are refused and dead-lettered.",
};

export const WORDS: Word[] = [
  { key: "message-ttl", sign: "TTL", say: (v) => `A message expires ${ms(v)} after it came.` },
  { key: "expires", sign: "Exp", say: (v) => `The queue is deleted when nobody has used it for ${ms(v)}.` },
  { key: "max-length", sign: "Lim", say: (v) => `At most ${many(v)} messages may wait.` },
  { key: "max-length-bytes", sign: "LimB", say: (v) => `At most ${size(v)} of bodies may wait.` },
  { key: "overflow", sign: "Ovfl", say: (v) => OVERFLOW[String(v)] ?? `When full: ${String(v)}.` },
  { key: "dead-letter-exchange", sign: "DLX", say: (v) => `Dead letters go to ${exchange(v)}.` },
  { key: "dead-letter-routing-key", sign: "DLK", say: (v) => `Dead letters get the routing key “${String(v)}”.` },
  { key: "dead-letter-strategy", sign: "DLS", say: (v) => `Dead letters are sent ${String(v).replaceAll("-", " ")}.` },
  { key: "max-priority", sign: "Pri", say: (v) => `Messages have priorities from 0 to ${many(v)}.` },
  { key: "single-active-consumer", sign: "SAC", say: (v) => (v ? "One consumer at a time gets messages." : "All consumers get messages.") },
  { key: "delivery-limit", sign: "DlL", say: (v) => `A message that came back ${many(v)} times is dead-lettered.` },
  { key: "queue-type", sign: "", say: (v) => `A ${String(v)} queue.` },
  { key: "queue-mode", sign: "", say: (v) => `Mode ${String(v)} (of no effect here).` },
  { key: "max-age", sign: "Age", say: (v) => `Messages are kept for ${String(v)}.` },
  { key: "stream-max-segment-size-bytes", sign: "", say: (v) => `The log is cut into pieces of ${size(v)}.` },
  { key: "consumer-timeout", sign: "CT", say: (v) => `A delivery has to be acknowledged within ${ms(v)}.` },
  { key: "alternate-exchange", sign: "AE", say: (v) => `What finds no queue goes to ${exchange(v)}.` },
];

function exchange(name: unknown): string {
  return name === "" ? "the default exchange" : `exchange “${String(name)}”`;
}

const BY_KEY = new Map(WORDS.map((word) => [word.key, word]));

/** What an argument or a policy key means; none for what nobody knows. */
export function explain(key: string, value: unknown): string | undefined {
  return BY_KEY.get(key.replace(/^x-/, ""))?.say(value);
}

/** Short signs for a list, each with the sentence behind it. */
export function signs(args: Arguments | undefined): { sign: string; text: string }[] {
  return Object.entries(args ?? {}).flatMap(([key, value]) => {
    const word = BY_KEY.get(key.replace(/^x-/, ""));
    if (word && !word.sign) return [];
    const text = `${key}: ${JSON.stringify(value)}`;
    return [{ sign: word?.sign ?? "Args", text: word ? `${word.say(value)} (${text})` : text }];
  });
}
