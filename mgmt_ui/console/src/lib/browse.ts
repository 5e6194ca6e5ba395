// Looking through a queue without touching it: a page of it, or what a search finds as it finds it.
import { useEffect, useRef, useState } from "preact/hooks";
import { get, post } from "./api";
import type { Message } from "./messages";
import type { Filter } from "./query";

export type Where = "all" | "ready" | "unacked";

/** A message where it stands. */
export interface Standing extends Message {
  place: string;
  /** Its place in the queue, by which it is picked. */
  position: number;
  state: "ready" | "unacked";
  /** Seconds in the queue. */
  age: number;
  expires_in?: number;
  offset?: number;
  truncated: boolean;
  delivery_tag?: number;
  consumer_tag?: string;
  channel_details?: { name: string; connection_name?: string };
}

export interface Looked {
  items: Standing[];
  /** Messages that a search has looked at; of a page as many as it shows. */
  scanned: number;
  /** Where a search may go on; null at the end. */
  cursor: string | null;
  busy: boolean;
  error: Error | undefined;
  /** When it was, by the viewer's clock. */
  at: number;
}

export const PAGE = 50;
/** Octets of each body in a list: enough for a line. */
const GLANCE = 400;
/** Messages that a search looks at before it tells how far it is. */
const STRETCH = 25_000;
/** A search goes on by itself until it has found a page or has looked at so many. */
const FAR = 1_000_000;

const NOTHING: Looked = { items: [], scanned: 0, cursor: null, busy: true, error: undefined, at: 0 };

interface Found {
  items: Standing[];
  scanned: number;
  cursor: string | null;
}

export interface Look {
  /** The API path of the queue. */
  where: string;
  /** Undefined: a page from `from` on. */
  filter: Filter | undefined;
  state: Where;
  from: number;
}

/** What is there; `again` looks anew, `further` goes on with a search, `stop` ends it. */
export function useMessages(look: Look): Looked & { again: () => void; further: () => void; stop: () => void } {
  const [looked, setLooked] = useState(NOTHING);
  const [turn, setTurn] = useState(0);
  const [running, setRunning] = useState<AbortController>();
  const { where, filter, state, from } = look;
  const search = JSON.stringify([where, filter, state]);
  const sought = useRef(search);
  const asked = JSON.stringify([search, from, turn]);
  const begin = (before: Looked) => {
    const control = new AbortController();
    setRunning(control);
    const tell = (now: Looked) => control.signal.aborted || setLooked(now);
    const done = filter ? searchOn(look, before, tell, control.signal) : page(look, tell, control.signal);
    done.catch((error: Error) => {
      if (error.name !== "AbortError") tell({ ...before, busy: false, error });
    });
    return control;
  };
  useEffect(() => {
    // A page stays until the next one is there, so that nothing flickers; what another search has
    // found is no answer to this one.
    const stays = sought.current === search;
    sought.current = search;
    setLooked((before) => (stays ? { ...before, busy: true, error: undefined } : NOTHING));
    const control = begin(NOTHING);
    return () => control.abort();
  }, [asked]);
  return {
    ...looked,
    again: () => setTurn((before) => before + 1),
    further: () => begin({ ...looked, busy: true }),
    stop: () => {
      running?.abort();
      setLooked({ ...looked, busy: false });
    },
  };
}

async function page({ where, state, from }: Look, tell: (now: Looked) => void, signal: AbortSignal): Promise<void> {
  const items = await get<Standing[]>(`${where}/peek?count=${PAGE}&offset=${from}&state=${state}&truncate=${GLANCE}`, signal);
  tell({ items, scanned: items.length, cursor: null, busy: false, error: undefined, at: Date.now() });
}

async function searchOn(look: Look, before: Looked, tell: (now: Looked) => void, signal: AbortSignal): Promise<void> {
  let { items, scanned, cursor } = before;
  const enough = items.length + PAGE;
  const far = scanned + FAR;
  do {
    const count = enough - items.length;
    const body = { filter: look.filter, state: look.state, count, scan: STRETCH, truncate: GLANCE, ...(cursor ? { cursor } : {}) };
    const found = await post<Found>(`${look.where}/search`, body, signal);
    items = [...items, ...found.items];
    scanned += found.scanned;
    cursor = found.cursor;
    const busy = cursor !== null && items.length < enough && scanned < far;
    tell({ items, scanned, cursor, busy, error: undefined, at: Date.now() });
    if (!busy) return;
  } while (!signal.aborted);
}

/** One message with as much of its body as `most` octets; undefined where it is there no more. */
export async function fetchMessage(where: string, position: number, most: number, signal?: AbortSignal): Promise<Standing | undefined> {
  const body = { filter: { positions: [position] }, count: 1, truncate: most };
  const found = await post<Found>(`${where}/search`, body, signal);
  return found.items[0];
}

/** Those that are picked or fit, whole, up to `most` of them. */
export async function fetchAll(where: string, filter: Filter, most: number): Promise<Standing[]> {
  const items: Standing[] = [];
  let cursor: string | null = null;
  do {
    const count = Math.min(500, most - items.length);
    const body: object = { filter, state: "ready", count, truncate: 16 << 20, ...(cursor ? { cursor } : {}) };
    const found: Found = await post<Found>(`${where}/search`, body);
    items.push(...found.items);
    cursor = found.cursor;
  } while (cursor && items.length < most);
  return items;
}
