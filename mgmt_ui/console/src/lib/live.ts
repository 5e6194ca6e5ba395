// What changes in the broker, as it changes: one stream of events for the whole page, however
// many topics are watched. A topic is an API path; its signal holds the newest value.
//
// The stream is read with fetch and not with EventSource, which cannot send a token. Where there
// is no stream (too many readers, a proxy that cuts it) the topics are asked for instead.
import { type Signal, signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { ApiError, address, get, headers, request } from "./api";
import { parseJson } from "./json";
import { apply, type Json, type Patch } from "./patch";
import { leave, session } from "./session";
import { Events } from "./sse";
import { hearTime } from "./time";

export interface Watched<T> {
  value: T | undefined;
  error: ApiError | undefined;
  /** When the value came, by the viewer's clock. */
  at: number;
}

export type Line = "connecting" | "live" | "lost" | "asking" | "paused";
/** How the page hears of changes at the moment. */
export const line = signal<Line>("connecting");

interface Topic {
  readers: number;
  signal: Signal<Watched<Json>>;
}

const NOTHING: Watched<Json> = { value: undefined, error: undefined, at: 0 };
const QUIET_MS = 25_000;
const ASK_MS = 5000;
const HIDDEN_MS = 30_000;

const topics = new Map<string, Topic>();
let stream = "";
let running: AbortController | null = null;
let told = "";
let changing: ReturnType<typeof setTimeout> | undefined;
let retry: ReturnType<typeof setTimeout> | undefined;
let asking: ReturnType<typeof setInterval> | undefined;
let failures = 0;

function topicOf(name: string): Topic {
  let topic = topics.get(name);
  if (!topic) {
    topic = { readers: 0, signal: signal(NOTHING) };
    topics.set(name, topic);
  }
  return topic;
}

function watch(name: string): Topic {
  const topic = topicOf(name);
  topic.readers += 1;
  changed();
  return topic;
}

function unwatch(name: string, topic: Topic): void {
  topic.readers -= 1;
  // A moment later: who turns a page watches most of it again at once.
  setTimeout(() => {
    if (topic.readers === 0 && topics.get(name) === topic) {
      topics.delete(name);
      changed();
    }
  }, 400);
}

/** The live value of an API path; `null` watches nothing. */
export function useLive<T>(name: string | null): Watched<T> {
  const topic = useMemo(() => (name === null ? null : topicOf(name)), [name]);
  useEffect(() => {
    if (name === null) return;
    const watched = watch(name);
    return () => unwatch(name, watched);
  }, [name]);
  return (topic?.signal.value ?? NOTHING) as Watched<T>;
}

/** Looks at everything now, after a change made here: nobody should wait a second for their own. */
export function refresh(): void {
  if (stream) {
    told = "";
    tell();
  } else for (const name of wanted()) void ask(name);
}

function wanted(): string[] {
  return [...topics].filter(([, topic]) => topic.readers > 0).map(([name]) => name);
}

function query(names: string[]): string {
  return names.map((each) => `topic=${encodeURIComponent(each)}`).join("&");
}

function changed(): void {
  clearTimeout(changing);
  changing = setTimeout(tell, 15);
}

function tell(): void {
  const names = wanted();
  if (!running) {
    if (names.length && session.value && line.value !== "paused") void open();
    else if (asking) for (const name of names) if (!topics.get(name)?.signal.value.at) void ask(name);
    return;
  }
  const asked = query(names);
  if (!stream || asked === told) return;
  told = asked;
  request(`/live/${stream}?${asked}`, { method: "PUT" }).catch(() => running?.abort());
}

async function open(): Promise<void> {
  const mine = new AbortController();
  running = mine;
  clearTimeout(retry);
  const names = wanted();
  told = query(names);
  if (line.value !== "lost" && line.value !== "asking") line.value = "connecting";
  try {
    const response = await fetch(address(`/live?${told}`), {
      headers: { ...headers(), accept: "*/*" },
      credentials: "omit",
      cache: "no-store",
      signal: mine.signal,
    });
    if (!response.ok || !response.body) throw new ApiError(response.status, "live", "no stream");
    await read(response.body, mine);
  } catch (error) {
    if (mine === running) lost(error);
    return;
  }
  if (mine === running) lost(null);
}

async function read(body: ReadableStream<Uint8Array<ArrayBuffer>>, mine: AbortController): Promise<void> {
  const events = new Events();
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let quiet = setTimeout(() => mine.abort(), QUIET_MS);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(quiet);
      quiet = setTimeout(() => mine.abort(), QUIET_MS);
      for (const { event, data } of events.feed(value)) hear(event, parseJson<News>(data));
    }
  } finally {
    clearTimeout(quiet);
  }
}

interface News {
  topic: string;
  at?: number;
  value: Json;
  patch: Patch;
  status: number;
  error?: string;
  reason?: string;
  stream: string;
}

function hear(event: string, news: News): void {
  if (event === "hello") {
    stream = news.stream;
    failures = 0;
    line.value = "live";
    stopAsking();
    tell();
    return;
  }
  if (event === "bye") {
    if (news.reason === "signed-out") leave("Your session has ended. Sign in again.", true);
    return;
  }
  const topic = topics.get(news.topic);
  if (!topic) return;
  if (news.at) hearTime(news.at);
  const at = Date.now();
  if (event === "state") topic.signal.value = { value: news.value, error: undefined, at };
  else if (event === "refused") {
    const error = new ApiError(news.status, news.error ?? "", news.reason ?? "");
    topic.signal.value = { value: undefined, error, at };
  } else if (event === "patch") patched(topic, news.patch, at);
}

function patched(topic: Topic, patch: Patch, at: number): void {
  try {
    const value = apply(topic.signal.value.value ?? null, patch);
    topic.signal.value = { value, error: undefined, at };
  } catch {
    // What is here is not what the patch is for: begin anew.
    running?.abort();
  }
}

function lost(error: unknown): void {
  running = null;
  stream = "";
  if (!session.value || line.value === "paused") return;
  const status = error instanceof ApiError ? error.status : 0;
  failures += 1;
  if (status && status !== 401) startAsking();
  else line.value = "lost";
  if (status === 401 || failures === 2) void probe();
  const wait = Math.min(300 * 2 ** Math.min(failures, 5), 5000);
  retry = setTimeout(() => {
    if (wanted().length && session.value) void open();
  }, wait);
}

// Says whether the token still holds: the API's answer ends the session if it does not.
async function probe(): Promise<void> {
  await get("/whoami").catch(() => undefined);
}

function startAsking(): void {
  line.value = "asking";
  asking ??= setInterval(() => wanted().forEach((name) => void ask(name)), ASK_MS);
  for (const name of wanted()) void ask(name);
}

function stopAsking(): void {
  clearInterval(asking);
  asking = undefined;
}

async function ask(name: string): Promise<void> {
  const topic = topics.get(name);
  if (!topic) return;
  try {
    const value = await get<Json>(name);
    // The stream patches what it has sent itself; a value from aside would not fit its patches.
    if (!stream) topic.signal.value = { value, error: undefined, at: Date.now() };
  } catch (error) {
    if (error instanceof ApiError) topic.signal.value = { ...topic.signal.value, error, at: Date.now() };
  }
}

function close(): void {
  const was = running;
  running = null;
  stream = "";
  clearTimeout(retry);
  stopAsking();
  was?.abort();
}

if (typeof document !== "undefined") {
  let hidden: ReturnType<typeof setTimeout> | undefined;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hidden);
    if (document.hidden) {
      hidden = setTimeout(() => {
        line.value = "paused";
        close();
      }, HIDDEN_MS);
    } else if (line.value === "paused") {
      line.value = "connecting";
      tell();
    }
  });
  session.subscribe((value) => {
    if (value) return tell();
    close();
    topics.clear();
  });
}
