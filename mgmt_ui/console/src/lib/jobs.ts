// Work on many messages that goes on in the broker: what it is, how far it got, in words.
import { post, remove } from "./api";
import { count, plural } from "./format";
import type { Filter } from "./query";

export type Kind = "delete" | "move" | "redrive";

export interface Job {
  id: string;
  kind: Kind;
  vhost: string;
  queue: string;
  user: string;
  dry_run: boolean;
  rate: number | null;
  state: "running" | "done" | "cancelled" | "stopped" | "failed";
  error: string | null;
  total: number;
  scanned: number;
  matched: number;
  done: number;
  skipped: Record<string, number>;
  /** Messages that would come back. */
  undoable: number;
  started_at: number;
  ended_at: number | null;
  to?: string;
  to_queue?: string;
  to_exchange?: string;
}

export interface Work {
  kind: Kind;
  filter: Filter;
  /** Where to, at which rate. */
  more: Record<string, unknown>;
}

const PATHS: Record<Kind, string> = { delete: "delete-messages", move: "move", redrive: "redrive" };

/** Begins it; gives how far it got in the first moments. */
export function begin(where: string, { kind, filter, more }: Work): Promise<Job> {
  const undo = kind === "redrive" ? {} : { undo: true };
  return post<Job>(`${where}/${PATHS[kind]}`, { filter, ...more, ...undo, wait: 1 });
}

/** Only counts. */
export function tryOut(where: string, { kind, filter, more }: Work): Promise<Job> {
  const { rate: _, ...rest } = more;
  return post<Job>(`${where}/${PATHS[kind]}`, { filter, ...rest, dry_run: true, wait: 1 });
}

export const hold = (job: Job) => remove(`/jobs/${job.id}`);
export const goOn = (job: Job) => post(`/jobs/${job.id}/resume`);

/** Puts back what it took; gives how many there are again. */
export async function undo(where: string, job: Job): Promise<number> {
  return (await post<{ restored: number }>(`${where}/undo`, { job: job.id })).restored;
}

const SKIPPED: Record<string, string> = {
  no_death: "are no dead letters",
  no_queue: "have lost the queue they died in",
  no_exchange: "have lost the exchange they came through",
  unroutable: "would find no queue there",
  refused: "may not be sent there by you",
  same_queue: "died in this very queue",
  gone: "were delivered meanwhile",
};

/** Why some stay, one line for each reason. */
export function stays(job: Job): string[] {
  return Object.entries(job.skipped).map(([reason, many]) => `${plural(many, "message")} ${SKIPPED[reason] ?? reason}.`);
}

/** What it does, as the head of a line: `Moving to later`. */
export function doing({ kind, to_queue: queue, to_exchange: exchange, queue: source, state }: Job): string {
  const over = state === "done";
  if (kind === "delete") return over ? "Deleted" : "Deleting";
  if (kind === "redrive") return over ? "Sent back" : "Sending dead letters back";
  if (queue === source) return over ? "Sent to the end" : "Sending to the end";
  const target = exchange !== undefined ? `through ${exchange || "the default exchange"}` : `to ${queue}`;
  return `${over ? "Moved" : "Moving"} ${target}`;
}

/** How far it got. */
export function progress({ done, matched, state, rate, scanned, total }: Job): string {
  const pace = rate && state === "running" ? `, ${count(rate)}/s` : "";
  const looked = scanned < total && state !== "done" ? `; ${count(scanned)} of ${count(total)} looked at` : "";
  return state === "done" ? plural(done, "message") : `${count(done)} of ${count(matched)} found${looked}${pace}`;
}

/** From 0 to 1. */
export function share({ state, scanned, total }: Job): number {
  return state === "done" ? 1 : total ? Math.min(1, scanned / total) : 0;
}
