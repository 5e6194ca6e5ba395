// Whether the broker is well, in words: what is wrong, and what to do about it. Pure.
import { bytes, count, percent, plural, rate, span } from "./format";
import { counter, type NodeInfo, type Overview, rateOf, type Vhost } from "./types";

export interface Alarm {
  resource: string;
  by_hand?: boolean;
}

export interface Finding {
  tone: "bad" | "warn";
  /** What is wrong. */
  what: string;
  /** What to do about it. */
  todo: string;
  /** The page where that can be done, with the query that shows it. */
  where?: [parts: string[], query?: Record<string, string>];
}

interface Seen {
  overview: Overview;
  node?: NodeInfo | undefined;
  alarms?: Alarm[] | undefined;
  vhosts?: Vhost[] | undefined;
  /** Whether the totals count everybody's clients; else the viewer's only. */
  whole?: boolean;
}

const CHECKS: ((seen: Seen) => Finding | undefined | false)[] = [
  ({ alarms = [] }) =>
    alarms.length > 0 && {
      tone: "bad",
      what: `Publishers are held up: ${alarms.map(nameOf).join(" and ")}.`,
      todo: alarms.every(({ by_hand: byHand }) => byHand)
        ? "They go on when the alarm is cleared on the page of the node."
        : "Consume or purge messages, or give the broker more; they go on by themselves.",
      where: [["queues"], { sort: "-ready" }],
    },
  ({ vhosts = [] }) => {
    const down = vhosts.filter((vhost) => Object.values(vhost.cluster_state ?? {}).some((state) => state !== "running"));
    return (
      down.length > 0 && {
        tone: "bad",
        what: `${plural(down.length, "virtual host")} ${down.length > 1 ? "are" : "is"} down: ${down.map(({ name }) => name).join(", ")}.`,
        todo: "The broker's log says why; start it again from its page.",
        where: [["vhosts"]],
      }
    );
  },
  ({ overview, alarms = [] }) => {
    const blocked = overview.blocked_connections ?? 0;
    return (
      blocked > 0 &&
      alarms.length === 0 && {
        tone: "warn",
        what: `${plural(blocked, "connection")} may not publish for now.`,
        todo: "The disk is behind, or a limit is reached: see who publishes most.",
        where: [["connections"], { sort: "-in" }],
      }
    );
  },
  ({ node }) => near(node?.mem_used, node?.mem_limit, "Memory", bytes, "purge or consume long queues"),
  ({ node }) => {
    const { disk_free: free, disk_free_limit: limit } = node ?? {};
    return (
      free !== undefined &&
      limit !== undefined &&
      free < 2 * limit &&
      !node?.disk_free_alarm && {
        tone: "warn",
        what: `The disk is nearly full: ${bytes(free)} free, publishers wait below ${bytes(limit)}.`,
        todo: "Make room on it before they do.",
      }
    );
  },
  ({ node }) => near(node?.fd_used, node?.fd_total, "File descriptors", count, "raise the limit of the process"),
  ({ node }) => near(node?.sockets_used, node?.sockets_total, "Sockets", count, "raise the limit of the process"),
  ({ overview }) => {
    const lost = rateOf(overview.message_stats, "drop_unroutable");
    return (
      lost > 0 && {
        tone: "warn",
        what: `${rate(lost)} of the messages find no queue and are dropped.`,
        todo: "Bind a queue that takes them, or name an alternate exchange.",
        where: [["topology"]],
      }
    );
  },
  ({ overview }) => {
    const back = rateOf(overview.message_stats, "return_unroutable");
    return (
      back > 0 && {
        tone: "warn",
        what: `${rate(back)} of the messages find no queue and are returned.`,
        todo: "Bind a queue that takes them.",
        where: [["topology"]],
      }
    );
  },
  ({ overview, whole = true }) => {
    const ready = counter(overview.queue_totals, "messages_ready");
    return (
      whole &&
      ready > 0 &&
      overview.object_totals?.consumers === 0 && {
        tone: "warn",
        what: `${plural(ready, "message")} wait${ready === 1 ? "s" : ""}, and nobody consumes.`,
        todo: "Start a consumer.",
        where: [["queues"], { sort: "-ready" }],
      }
    );
  },
];

const NEAR = 0.85;

function near(
  used: number | undefined,
  total: number | undefined,
  what: string,
  say: (value: number) => string,
  todo: string,
): Finding | undefined {
  if (!used || !total || used < NEAR * total) return undefined;
  return {
    tone: "warn",
    what: `${what}: ${say(used)} of ${say(total)} in use (${percent(used / total)}).`,
    todo: `Before it is all gone, ${todo}.`,
  };
}

function nameOf({ resource, by_hand: byHand }: Alarm): string {
  return byHand ? `an alarm for ${resource} was set by hand` : `${resource} is low`;
}

/** What is wrong, the worst first. */
export function findings(seen: Seen): Finding[] {
  const found = CHECKS.map((check) => check(seen)).filter((each): each is Finding => Boolean(each));
  return [...found.filter(({ tone }) => tone === "bad"), ...found.filter(({ tone }) => tone === "warn")];
}

/** The headline. */
export function verdict(found: Finding[]): string {
  const bad = found.filter(({ tone }) => tone === "bad").length;
  if (bad > 0) return bad === 1 ? "Something is wrong" : `${bad} things are wrong`;
  if (found.length > 0) return found.length === 1 ? "One thing wants a look" : `${found.length} things want a look`;
  return "Everything is well";
}

/** One quiet line under the headline when all is well. */
export function calm({ object_totals: totals, oldest_message_age: age }: Overview): string {
  const waits = age === null || age === undefined ? "no message waits" : `the oldest message has waited for ${span(age * 1000)}`;
  return `No alarms, nobody is blocked, ${waits}; ${plural(totals?.consumers ?? 0, "consumer")} on ${plural(totals?.queues ?? 0, "queue")}.`;
}
