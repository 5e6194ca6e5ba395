// The messages of a queue where they stand: looked through, searched, picked, and worked on. Nothing
// changes by looking. What is shown is in the address: the search, the page, the open message.
import "../../styles/messages.css";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { PAGE, type Standing, useMessages, type Where } from "../../lib/browse";
import { count, plural } from "../../lib/format";
import { queuePath } from "../../lib/paths";
import { pref } from "../../lib/prefs";
import { type Filter, inWords, parseQuery } from "../../lib/query";
import { place, setQuery } from "../../lib/router";
import { counter, type Queue } from "../../lib/types";
import { Icon } from "../../ui/Icon";
import { Ago, Card, Problem } from "../../ui/parts";
import { Finder } from "./Finder";
import { Jobs } from "./Jobs";
import { MessageList } from "./MessageList";
import { MessagePane } from "./MessagePane";
import { NoMessages } from "./NoMessages";
import { Taken } from "./Taken";
import { Toolbar } from "./Toolbar";

/** Whether the list goes along with the queue. */
const follow = pref("follow", true);
const FOLLOW_MS = 900;

/** Another number whenever something came or went. */
function motion({ messages_ready: ready = 0, messages_unacknowledged: held = 0, message_stats: stats }: Queue): string {
  return [ready, held, ...["publish", "deliver_get", "ack"].map((name) => counter(stats, name))].join();
}

export function Browser({ queue }: { queue: Queue }) {
  const where = queuePath(queue);
  const { find = "", state = "all", from = "0", m } = place.value.query;
  const query = useMemo(() => parseQuery(find), [find]);
  const searching = query.pieces.length > 0;
  const first = Math.max(0, Number.parseInt(from, 10) || 0);
  const looked = useMessages({ where, filter: searching ? query.filter : undefined, state: state as Where, from: first });
  const [picked, setPicked] = usePicked([where, find, state].join(" "));
  const open = m === undefined ? undefined : Number(m);
  const done = () => {
    setPicked(new Set());
    looked.again();
  };
  const pick = (messages: Standing[], on: boolean) => {
    const next = new Set(picked);
    for (const { position } of messages) on ? next.add(position) : next.delete(position);
    setPicked(next);
  };
  const total = lengthOf(queue, state);
  const following = follow.value && !searching && picked.size === 0;
  useEffect(() => {
    if (!following || !looked.at) return;
    const timer = setTimeout(looked.again, Math.max(0, FOLLOW_MS - (Date.now() - looked.at)));
    return () => clearTimeout(timer);
  }, [following, motion(queue)]);
  const nothing = !looked.busy && looked.items.length === 0 && !looked.error;
  const all: Filter = query.filter;
  return (
    <div class="browser">
      <Jobs queue={queue} onDone={done} />
      <Taken queue={queue} />
      <Finder query={query} busy={looked.busy} />
      <Card
        flush
        title={<Heading searching={searching} busy={looked.busy} found={looked.items.length} first={first} total={total} words={inWords(query)} more={looked.cursor !== null} />}
        tools={<Toolbar queue={queue} picked={[...picked]} filter={all} searching={searching} onDone={done} again={looked.again} follow={follow} />}
      >
        {looked.error && <Problem error={looked.error} retry={looked.again} />}
        <div class={`browser-body ${open === undefined ? "" : "open"}`} aria-busy={looked.busy}>
          <div class="browser-list">
            {nothing ? (
              <NoMessages queue={queue} searching={searching} state={state} first={first} scanned={looked.scanned} />
            ) : (
              <MessageList items={looked.items} open={open} wanted={query.filter.body} picked={picked} pick={pick} />
            )}
            {searching ? (
              <Further looked={looked} total={total} />
            ) : (
              <Pages first={first} shown={looked.items.length} total={total} at={looked.at} />
            )}
          </div>
          {open !== undefined && (
            <MessagePane key={open} queue={queue} position={open} wanted={query.filter.body} items={looked.items} onDone={done} />
          )}
        </div>
      </Card>
    </div>
  );
}

/** More than these would make an address that nobody can send. */
const MOST_IN_ADDRESS = 100;

/** The positions of the picked messages; what else is searched for or shown has others. */
function usePicked(shown: string): [Set<number>, (next: Set<number>) => void] {
  const { pick: told = "" } = place.value.query;
  const fromAddress = useMemo(() => positions(told), [told]);
  const [many, setMany] = useState<Set<number>>();
  const before = useRef(shown);
  const pick = (next: Set<number>) => {
    const few = next.size <= MOST_IN_ADDRESS;
    setMany(few ? undefined : next);
    setQuery({ pick: few ? [...next].join(".") : "" });
  };
  useEffect(() => {
    if (before.current !== shown) pick(new Set());
    before.current = shown;
  }, [shown]);
  return [many ?? fromAddress, pick];
}

function positions(text: string): Set<number> {
  return new Set(text.split(".").filter((each) => /^\d{1,15}$/.test(each)).map(Number));
}

function lengthOf(queue: Queue, state: string): number {
  const ready = queue.messages_ready ?? queue.messages ?? 0;
  const unacked = queue.messages_unacknowledged ?? 0;
  if (queue.type === "stream") return queue.messages ?? ready;
  return state === "ready" ? ready : state === "unacked" ? unacked : ready + unacked;
}

interface HeadingProps {
  searching: boolean;
  busy: boolean;
  found: number;
  first: number;
  total: number;
  words: string;
  more: boolean;
}

function Heading({ searching, busy, found, first, total, words, more }: HeadingProps) {
  if (searching) {
    return (
      <span role="status">
        {busy && !found ? "Looking for messages" : `${more ? "At least " : ""}${plural(found, "message")}`} <span class="soft normal">where {words}</span>
      </span>
    );
  }
  if (!found) return <>Messages</>;
  return (
    <span role="status">
      {count(first + 1)} to {count(first + found)} <span class="soft normal">of {count(Math.max(total, first + found))}</span>
    </span>
  );
}

type Looked = ReturnType<typeof useMessages>;

/** How far a search got, and how it goes on. */
function Further({ looked, total }: { looked: Looked; total: number }) {
  const { busy, cursor, scanned } = looked;
  const over = cursor === null && !busy;
  return (
    <div class="browser-foot">
      <span class="soft grow">
        {over ? `All ${plural(scanned, "message")} looked at.` : `${count(scanned)} of ${count(total)} looked at${busy ? "…" : "."}`}
      </span>
      {busy && scanned > 0 && (
        <button type="button" class="button small" onClick={looked.stop}>
          Stop
        </button>
      )}
      {!busy && cursor !== null && (
        <button type="button" class="button small" onClick={looked.further}>
          <Icon name="search" /> Find more
        </button>
      )}
    </div>
  );
}

/** To every part of a long queue. */
function Pages({ first, shown, total, at }: { first: number; shown: number; total: number; at: number }) {
  const go = (to: number) => setQuery({ from: to > 0 ? String(to) : "", m: "" });
  const last = Math.max(0, Math.floor((total - 1) / PAGE) * PAGE);
  const end = first + shown >= total;
  if (total <= PAGE && first === 0 && shown <= PAGE) {
    return shown ? (
      <div class="browser-foot">
        <span class="faint grow">Nothing is touched by looking. As of {at ? <Ago time={at} /> : "now"}.</span>
      </div>
    ) : null;
  }
  return (
    <nav class="browser-foot" aria-label="Through the queue">
      <button type="button" class="button small" disabled={first === 0} onClick={() => go(0)}>
        Oldest
      </button>
      <button type="button" class="button small icon" aria-label="Before" disabled={first === 0} onClick={() => go(first - PAGE)}>
        <Icon name="left" />
      </button>
      <label class="row soft">
        From
        <input
          class="input num"
          type="number"
          min={1}
          style={{ width: "110px" }}
          value={first + 1}
          onChange={(event) => go(Math.max(0, Math.min(Number(event.currentTarget.value) - 1, Math.max(0, total - 1))))}
        />
      </label>
      <button type="button" class="button small icon" aria-label="After" disabled={end} onClick={() => go(first + PAGE)}>
        <Icon name="right" />
      </button>
      <button type="button" class="button small" disabled={end} onClick={() => go(last)}>
        Newest
      </button>
    </nav>
  );
}
