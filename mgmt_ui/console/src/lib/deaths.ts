// The story of a dead letter: what its x-death header says, what happened first at the beginning.
import { plural } from "./format";

export interface Death {
  queue: string;
  reason: string;
  exchange: string;
  keys: string[];
  count: number;
  /** The first time, in ms. */
  at: number | undefined;
}

export interface Step {
  text: string;
  /** The queue that it happened in. */
  queue?: string;
  at?: number | undefined;
  end?: boolean;
}

/** The deaths, the oldest first; none where there is no such header. */
export function deathsOf(headers: Record<string, unknown>): Death[] {
  const deaths = headers["x-death"];
  if (!Array.isArray(deaths)) return [];
  return deaths
    .filter((each): each is Record<string, unknown> => typeof each === "object" && each !== null)
    .map((each) => ({
      queue: String(each.queue ?? ""),
      reason: String(each.reason ?? ""),
      exchange: String(each.exchange ?? ""),
      keys: Array.isArray(each["routing-keys"]) ? each["routing-keys"].map(String) : [],
      count: Number(each.count ?? 1),
      at: typeof each.time === "number" ? each.time * 1000 : undefined,
    }))
    .reverse();
}

const REASONS: Record<string, string> = {
  rejected: "a consumer rejected it",
  expired: "it waited for too long and expired",
  maxlen: "the queue was full, and it had to go",
  delivery_limit: "it came back too often",
};

/** What became of a message, up to the queue where it is now. */
export function story(headers: Record<string, unknown>, now: string): Step[] {
  const deaths = deathsOf(headers);
  const steps = deaths.map((death): Step => ({ text: told(death), queue: death.queue, at: death.at }));
  return steps.length ? [...steps, { text: "Now it is here, in", queue: now, end: true }] : [];
}

function told({ exchange, keys, reason, count }: Death): string {
  const named = keys.map((key) => `“${key}”`).join(", ");
  const came = exchange ? `Came through exchange “${exchange}” with ${named || "no key"}` : `Was sent to ${named || "the queue"}`;
  const why = REASONS[reason] ?? `it left: ${reason}`;
  return `${came}; ${why}${count > 1 ? `, ${plural(count, "time")}` : ""}, in`;
}
