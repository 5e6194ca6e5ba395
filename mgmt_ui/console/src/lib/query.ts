// What somebody types to find messages, as the filter of the API and in words:
// `hare key:order.new header.tenant:t1 age>10m` fits messages with "hare" in the body that were
// published with this key, have this header, and have waited for ten minutes.
import { span } from "./format";

/** A filter of messages as the API takes it (docs/operations.md). */
export type Filter = Record<string, unknown> & { headers?: Record<string, string | null>; body?: string };

export interface Term {
  /** What it begins with when it is typed. */
  sign: string;
  label: string;
  example: string;
  member: string;
  values?: readonly string[];
}

const REASONS = ["rejected", "expired", "maxlen", "delivery_limit"] as const;

/** Every term but plain text, headers and ages: one row each. */
export const TERMS: Term[] = [
  { sign: "id:", label: "Message id", example: "id:4711", member: "message_id" },
  { sign: "correlation:", label: "Correlation id", example: "correlation:abc", member: "correlation_id" },
  { sign: "key:", label: "Routing key", example: "key:order.new", member: "routing_key" },
  { sign: "exchange:", label: "Exchange", example: "exchange:events", member: "exchange" },
  { sign: "type:", label: "Type", example: "type:OrderPlaced", member: "type" },
  { sign: "app:", label: "Application", example: "app:shop", member: "app_id" },
  { sign: "user:", label: "User", example: "user:guest", member: "user_id" },
  { sign: "reply:", label: "Reply to", example: "reply:answers", member: "reply_to" },
  { sign: "content:", label: "Content type", example: "content:application/json", member: "content_type" },
  { sign: "redelivered:", label: "Delivered before", example: "redelivered:yes", member: "redelivered", values: ["yes", "no"] },
  { sign: "died-in:", label: "Died in queue", example: "died-in:orders", member: "death_queue" },
  { sign: "died:", label: "Died because", example: "died:rejected", member: "death_reason", values: REASONS },
];
const BY_SIGN = new Map(TERMS.map((term) => [term.sign, term]));

export const HEADER = "header.";

export interface Piece {
  /** As it was typed, so that it can be taken out again. */
  text: string;
  /** What it asks for, in words. */
  words: string;
}

export interface Query {
  filter: Filter;
  pieces: Piece[];
  /** What is wrong with it; "" for nothing. */
  problem: string;
}

// Quotes keep spaces together, at the beginning of a piece or after its sign.
const TOKEN = /(?:[^\s"]*"(?:[^"\\]|\\.)*"|[^\s"]+|")+/g;

/** What a search means. Plain words belong together: the body has them as they stand. */
export function parseQuery(text: string): Query {
  const query: Query = { filter: {}, pieces: [], problem: "" };
  const plain: string[] = [];
  let end = -1;
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    const before = plain.length;
    const problem = take(token, query, plain);
    query.problem ||= problem;
    if (plain.length === before) continue;
    // Words that follow each other keep what is between them.
    if (before && end >= 0 && !text.slice(end, index).trim()) plain.splice(before - 1, 2, plain[before - 1] + text.slice(end, index) + token);
    end = index + token.length;
  }
  if (plain.length) {
    // In quotes only as a whole: `"hare": "Ann"` is looked for as it stands.
    const body = plain.map((each) => (isQuoted(each) ? unquoted(each) : each)).join(" ");
    query.filter.body = body;
    query.pieces.push({ text: plain.join(" "), words: `the body has “${body}”` });
  }
  return query;
}

function take(token: string, query: Query, plain: string[]): string {
  if (token.startsWith(HEADER)) return takeHeader(token, query);
  const age = /^age([<>])(.*)$/.exec(token);
  if (age) return takeAge(token, age[1] === ">", age[2] ?? "", query);
  const end = token.indexOf(":") + 1;
  const term = end > 0 ? BY_SIGN.get(token.slice(0, end)) : undefined;
  if (!term) {
    plain.push(token);
    return "";
  }
  const value = unquoted(token.slice(end));
  if (!value && term.member !== "routing_key" && term.member !== "exchange") return `What should ${term.sign} be?`;
  if (term.values && !term.values.includes(value)) return `${term.sign} is ${term.values.join(", ")}.`;
  query.filter[term.member] = term.member === "redelivered" ? value === "yes" : value;
  query.pieces.push({ text: token, words: wordsOf(term, value) });
  return "";
}

function takeHeader(token: string, query: Query): string {
  const [, name = "", , value] = /^header\.("(?:[^"\\]|\\.)*"|[^:]*)(:(.*))?$/.exec(token) ?? [];
  const header = unquoted(name);
  if (!header) return "Which header? As in header.tenant:t1.";
  const wanted = value === undefined || value === "" ? null : unquoted(value);
  query.filter.headers = { ...query.filter.headers, [header]: wanted };
  const words = wanted === null ? `header ${header} is there` : `header ${header} is “${wanted}”`;
  query.pieces.push({ text: token, words });
  return "";
}

const UNITS: Record<string, number> = { "": 1, s: 1, m: 60, min: 60, h: 3600, d: 86_400 };

function takeAge(token: string, older: boolean, given: string, query: Query): string {
  const [, amount = "", unit = ""] = /^(\d+(?:\.\d+)?)(s|m|min|h|d)?$/.exec(given) ?? [];
  if (!amount) return "An age is as age>10m or age<2h, with s, m, h or d.";
  const seconds = Number(amount) * (UNITS[unit] ?? 1);
  query.filter[older ? "older_than" : "newer_than"] = seconds;
  query.pieces.push({ text: token, words: `waiting for ${older ? "more" : "less"} than ${span(seconds * 1000)}` });
  return "";
}

function wordsOf({ member, label }: Term, value: string): string {
  if (member === "redelivered") return value === "yes" ? "delivered before" : "never delivered";
  if (member === "death_queue") return `died in “${value}”`;
  if (member === "death_reason") return `died because: ${REASON_WORDS[value] ?? value}`;
  return `${label.toLowerCase()} is “${value}”`;
}

/** Why messages die. */
export const REASON_WORDS: Record<string, string> = {
  rejected: "rejected",
  expired: "too old",
  maxlen: "the queue was full",
  delivery_limit: "delivered too often",
};

const QUOTED = /^"((?:[^"\\]|\\.)*)"$/;
const isQuoted = (token: string) => QUOTED.test(token);

function unquoted(token: string): string {
  const inside = QUOTED.exec(token)?.[1];
  return inside === undefined ? token : inside.replace(/\\(.)/g, "$1");
}

/** A value so that it stays one piece. */
export function quoted(value: string): string {
  return value === "" || /[\s"]/.test(value) ? `"${value.replace(/["\\]/g, "\\$&")}"` : value;
}

/** The search without one of its pieces. */
export function without(text: string, piece: Piece): string {
  return text.replace(piece.text, "").replace(/\s+/g, " ").trim();
}

/** The search with one more term. */
export function withTerm(text: string, sign: string, value: string): string {
  return `${text.trim()} ${sign}${quoted(value)}`.trim();
}

/** All of a search in one sentence. */
export function inWords({ pieces }: Query): string {
  return pieces.map(({ words }) => words).join(", and ");
}
