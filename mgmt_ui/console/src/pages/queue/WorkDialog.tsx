// Asks before many messages are deleted, moved or sent back: says what it means, counts what it would
// take, and then does it.
import { useEffect, useState } from "preact/hooks";
import { get } from "../../lib/api";
import { fetchAll } from "../../lib/browse";
import { count, plural } from "../../lib/format";
import { begin, hold, type Job, type Kind, tryOut, type Work } from "../../lib/jobs";
import { toJson } from "../../lib/json";
import { refresh, useLive } from "../../lib/live";
import { portable } from "../../lib/messages";
import { queuePath } from "../../lib/paths";
import { type Filter, REASON_WORDS } from "../../lib/query";
import { saveAs } from "../../lib/save";
import type { Page, Queue } from "../../lib/types";
import { Dialog } from "../../ui/Dialog";
import { Select, Text } from "../../ui/Field";
import { Icon } from "../../ui/Icon";
import { Segments } from "../../ui/parts";
import { complain } from "../../ui/Toasts";
import { tell } from "./outcome";

export interface Asked {
  /** `requeue` is a move to the end of the same queue. */
  kind: Kind | "requeue";
  /** These messages, or else all that fit. */
  picked?: number[];
  filter?: Filter;
  /** The filter in words; "" for all messages. */
  words?: string;
}

const TITLES: Record<Asked["kind"], [title: string, verb: string]> = {
  delete: ["Delete messages", "Delete"],
  move: ["Move messages", "Move"],
  requeue: ["To the end of the queue", "Send to the end"],
  redrive: ["Send dead letters back", "Send back"],
};

/** Messages that are saved to a file before they are deleted, at most. */
const MOST_SAVED = 10_000;

interface Props {
  queue: Queue;
  asked: Asked;
  onClose: () => void;
  onDone: () => void;
}

export function WorkDialog({ queue, asked, onClose, onDone }: Props) {
  const { kind, picked, words = "" } = asked;
  const where = queuePath(queue);
  const [target, setTarget] = useState({ to: "queue", name: "", key: "" });
  const [from, setFrom] = useState({ queue: "", reason: "" });
  const [back, setBack] = useState("queue");
  const [rate, setRate] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const filter = filterOf(asked, from);
  const work: Work = { kind: kind === "requeue" ? "move" : kind, filter, more: moreOf(kind, queue.name, target, back, rate) };
  const counted = useCount(queue, filter);
  const many = counted?.matched ?? 0;
  const what = counted?.over ? plural(many, "message") : "all that fit";
  const [title, verb] = TITLES[kind];
  const ready = kind !== "move" || target.to === "exchange" || target.name !== "";
  const submit = async () => {
    if (busy || !ready) return;
    setBusy(true);
    setProblem("");
    try {
      tell(where, await begin(where, work), onDone);
      refresh();
      onDone();
      onClose();
    } catch (error) {
      setProblem((error as Error).message);
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={title}
      onClose={onClose}
      onSubmit={submit}
      footer={
        <>
          {kind === "delete" && <Save where={where} filter={filter} name={queue.name} />}
          <span class="grow" />
          <button type="button" class="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class={`button primary ${kind === "delete" ? "danger" : ""}`} disabled={busy || !ready || !counted || (counted.over && many === 0)}>
            {verb} {what}
          </button>
        </>
      }
    >
      <div class="stack">
        {problem && (
          <p class="banner bad" role="alert">
            {problem}
          </p>
        )}
        <p>
          {picked ? plural(picked.length, "picked message") : words ? `All ready messages where ${words}` : "All ready messages"} of <b>{queue.name}</b>
          {MEANING[kind]}
        </p>
        {kind === "move" && <Target vhost={queue.vhost} target={target} onChange={setTarget} />}
        {kind === "redrive" && (
          <Back queue={queue} picked={Boolean(picked)} from={from} setFrom={setFrom} back={back} setBack={setBack} />
        )}
        {kind !== "delete" && !picked && (
          <Text label="At most so many a second" type="number" value={rate} onChange={setRate} placeholder="as fast as it goes" hint="So that those who consume there are not overrun. It can be paused while it runs." />
        )}
        <Count of={counted} kind={kind} />
        {!undoable(kind, target.to) && (
          <p class="banner warn">
            <Icon name="alert" />
            <span class="grow">
              <b>This cannot be undone:</b> {FOR_GOOD[kind]}
            </span>
          </p>
        )}
      </div>
    </Dialog>
  );
}

const MEANING: Record<Asked["kind"], string> = {
  delete: " are dropped, without dead-lettering. What consumers hold stays. For ten minutes it can be undone (up to 10,000 messages, 16 MiB).",
  move: " are taken out and put there, in one step each: never in two places, never in none. Moved to a queue, they can be called back from there.",
  requeue: " are put behind all others, so that these come first. They keep their key and headers.",
  redrive: " that are dead letters go back to where they died last. What dead-lettering wrote into their headers is taken out.",
};

/** What goes through an exchange may be with consumers of many queues a moment later. */
function undoable(kind: Asked["kind"], to: string): boolean {
  return kind === "delete" || (kind === "move" && to === "queue");
}

const FOR_GOOD: Record<Asked["kind"], string> = {
  delete: "",
  move: "what has gone through an exchange may be in several queues, and is not gathered again.",
  requeue: "the place that they had in the queue is not kept.",
  redrive: "whoever consumes where they go gets them at once, and what dead-lettering wrote into their headers is lost.",
};

function filterOf({ kind, picked, filter = {} }: Asked, from: { queue: string; reason: string }): Filter {
  const wanted: Filter = picked ? { positions: picked } : { ...filter };
  if (kind !== "redrive") return wanted;
  // Others are no dead letters.
  wanted.headers = { ...wanted.headers, "x-death": null };
  if (from.queue) wanted.death_queue = from.queue;
  if (from.reason) wanted.death_reason = from.reason;
  return wanted;
}

type TargetState = { to: string; name: string; key: string };

function moreOf(kind: Asked["kind"], own: string, { to, name, key }: TargetState, back: string, rate: string): Record<string, unknown> {
  const pace = Number(rate) > 0 ? { rate: Number(rate) } : {};
  if (kind === "requeue") return { queue: own, ...pace };
  if (kind === "redrive") return { to: back, ...pace };
  if (kind === "delete") return {};
  return to === "queue" ? { queue: name, ...pace } : { exchange: name, ...(key ? { routing_key: key } : {}), ...pace };
}

interface Counted {
  matched: number;
  total: number;
  scanned: number;
  over: boolean;
}

/** How many it would take: counted in the broker, which may take a while, without doing anything. */
function useCount(queue: Queue, filter: Filter): Counted | undefined {
  const where = queuePath(queue);
  const [job, setJob] = useState<Job>();
  const asked = toJson(filter);
  const all = Object.keys(filter).length === 0;
  useEffect(() => {
    setJob(undefined);
    if (all) return;
    const control = new AbortController();
    let begun: Job | undefined;
    const timer = setTimeout(() => {
      const told = (answer: Job) => {
        begun = answer;
        if (control.signal.aborted) drop(answer);
        else setJob(answer);
      };
      tryOut(where, { kind: "delete", filter, more: {} }).then(told).catch(complain);
    }, 150);
    return () => {
      clearTimeout(timer);
      control.abort();
      if (begun) drop(begun);
    };
  }, [where, asked]);
  const { value } = useLive<Job>(job?.state === "running" ? `/jobs/${job.id}` : null);
  if (all) return { matched: queue.messages_ready ?? 0, total: queue.messages_ready ?? 0, scanned: 0, over: true };
  const newest = value?.id === job?.id ? (value ?? job) : job;
  return newest && { matched: newest.matched, total: newest.total, scanned: newest.scanned, over: newest.state !== "running" };
}

// Nobody waits for it any more; one that has ended would take the place of others that are remembered.
function drop(job: Job): void {
  hold(job).catch(() => {});
}

function Count({ of, kind }: { of: Counted | undefined; kind: Asked["kind"] }) {
  if (!of) return <p class="soft" role="status">Counting…</p>;
  const { matched, total, scanned, over } = of;
  if (!over) {
    return (
      <p class="banner info" role="status">
        At least {plural(matched, "message")}; {count(scanned)} of {count(total)} are counted…
      </p>
    );
  }
  const none = kind === "redrive" ? "No dead letter fits." : "No ready message fits (any more).";
  return (
    <p class={matched ? "banner info" : "banner warn"} role="status">
      {matched ? `${count(matched)} of ${plural(total, "ready message")}.` : none}
    </p>
  );
}

function Target({ vhost, target, onChange }: { vhost: string; target: TargetState; onChange: (next: TargetState) => void }) {
  const { to, name, key } = target;
  const kind = to === "queue" ? "queues" : "exchanges";
  const names = useNames(kind, vhost, name);
  return (
    <div class="form">
      <div class="field all">
        <span class="label">To</span>
        <Segments label="Where to" options={[["queue", "A queue"], ["exchange", "Through an exchange"]] as const} value={to as "queue"} onChange={(next) => onChange({ to: next, name: "", key: "" })} />
      </div>
      <Text label={to === "queue" ? "Name of the queue" : "Name of the exchange"} value={name} list="work-names" autofocus onChange={(next) => onChange({ ...target, name: next })} hint={to === "exchange" ? "Empty for the default exchange. What finds no queue stays." : ""} />
      {to === "exchange" && <Text label="Routing key" mono value={key} onChange={(next) => onChange({ ...target, key: next })} placeholder="the one they had" />}
      <datalist id="work-names">
        {names.map((each) => (
          <option key={each} value={each} />
        ))}
      </datalist>
    </div>
  );
}

function useNames(kind: "queues" | "exchanges", vhost: string, typed: string): string[] {
  const [names, setNames] = useState<string[]>([]);
  useEffect(() => {
    const control = new AbortController();
    const question = `/${kind}/${encodeURIComponent(vhost)}?page=1&page_size=30&columns=name&name=${encodeURIComponent(typed)}`;
    get<Page<{ name: string }>>(question, control.signal)
      .then(({ items }) => setNames(items.map(({ name }) => name).filter(Boolean)))
      .catch(() => {});
    return () => control.abort();
  }, [kind, vhost, typed]);
  return names;
}

interface BackProps {
  queue: Queue;
  picked: boolean;
  from: { queue: string; reason: string };
  setFrom: (next: { queue: string; reason: string }) => void;
  back: string;
  setBack: (next: string) => void;
}

function Back({ queue, picked, from, setFrom, back, setBack }: BackProps) {
  const names = useNames("queues", queue.vhost, from.queue);
  return (
    <div class="form">
      {!picked && (
        <>
          <Text label="Only those that died in queue" value={from.queue} list="back-names" placeholder="any" onChange={(name) => setFrom({ ...from, queue: name })} />
          <Select
            label="Only those that died because"
            value={from.reason}
            onChange={(reason) => setFrom({ ...from, reason })}
            options={[["", "any reason"], ...Object.entries(REASON_WORDS)]}
          />
          <datalist id="back-names">
            {names.map((each) => (
              <option key={each} value={each} />
            ))}
          </datalist>
        </>
      )}
      <Select
        label="How"
        value={back}
        onChange={setBack}
        options={[
          ["queue", "into the queue itself"],
          ["exchange", "through the exchange, to all that are bound"],
        ]}
      />
    </div>
  );
}

function Save({ where, filter, name }: { where: string; filter: Filter; name: string }) {
  const [busy, setBusy] = useState(false);
  const save = async () => {
    setBusy(true);
    try {
      const found = await fetchAll(where, filter, MOST_SAVED);
      saveAs(`${name}.messages.json`, toJson(found.map(portable), 1));
    } catch (error) {
      complain(error);
    }
    setBusy(false);
  };
  return (
    <button type="button" class="button quiet" disabled={busy} onClick={save}>
      <Icon name="download" /> {busy ? "Saving…" : "Save them first"}
    </button>
  );
}
