// Queue arguments, policy keys and features in words. One row each: the short sign that lists show,
// and the sentence that a page shows.
import { bytes, count, span } from "./format";
import { toJson } from "./json";
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
  { key: "queue-version", sign: "", say: (v) => `Version ${String(v)} of the store (of no effect here).` },
  { key: "queue-leader-locator", sign: "", say: (v) => `Its leader is placed by ${String(v)} (there is one node here).` },
  { key: "queue-master-locator", sign: "", say: (v) => `Its leader is placed by ${String(v)} (there is one node here).` },
  { key: "quorum-initial-group-size", sign: "", say: (v) => `On ${many(v)} nodes at first (there is one here).` },
  { key: "initial-cluster-size", sign: "", say: (v) => `On ${many(v)} nodes at first (there is one here).` },
  { key: "max-in-memory-length", sign: "", say: (v) => `At most ${many(v)} messages in memory (of no effect: long queues leave it anyway).` },
  { key: "max-in-memory-bytes", sign: "", say: (v) => `At most ${size(v)} in memory (of no effect: long queues leave it anyway).` },
  { key: "message-deduplication", sign: "Dup", say: (v) => (v ? "A message that came before is dropped." : "Messages that come again are kept.") },
  { key: "cache-size", sign: "", say: (v) => `To tell which came before, ${many(v)} are remembered.` },
  { key: "cache-ttl", sign: "", say: (v) => `What came before is remembered for ${ms(v)}.` },
  { key: "deduplication-header", sign: "", say: (v) => `Messages are the same when their header “${String(v)}” is.` },
  { key: "consumer-disconnected-timeout", sign: "", say: (v) => `What a lost consumer held comes back after ${ms(v)}.` },
  { key: "delayed-retry-type", sign: "Dly", say: (v) => `Messages that come back wait before they are delivered again (${String(v)}).` },
  { key: "delayed-retry-min", sign: "", say: (v) => `They wait ${ms(v)} at least.` },
  { key: "delayed-retry-max", sign: "", say: (v) => `They wait ${ms(v)} at most.` },
  { key: "stream-filter-size-bytes", sign: "", say: (v) => `The filter of each piece takes ${size(v)}.` },
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
    const text = `${key}: ${toJson(value)}`;
    return [{ sign: word?.sign ?? "Args", text: word ? `${word.say(value)} (${text})` : text }];
  });
}

const SMALLER = /^(message-ttl|expires|max-length|max-length-bytes|delivery-limit|consumer-timeout|max-in-memory-.*)$/;
const POLICY = /^(max-age|stream-.*|initial-cluster-size)$/;

/** Which counts where an argument and a policy both say something (as the broker merges them). */
export function whoWins(key: string): string {
  const plain = key.replace(/^x-/, "");
  if (SMALLER.test(plain)) return "A policy says so, too: the smaller value counts.";
  return POLICY.test(plain) ? "A policy says so, too, and counts." : "A policy says so, too; the argument counts.";
}
