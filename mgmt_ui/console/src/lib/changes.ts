// What changed lately, in words: what somebody did through the API, and what came and went between
// two looks at the overview.
import { plural } from "./format";
import { counter, type Overview } from "./types";

export interface Change {
  text: string;
  at: number;
  /** 1: something came; -1: it went. */
  sign: 1 | -1;
}

const CHURN: [string, string, string, 1 | -1][] = [
  ["connection_created", "connection", "opened", 1],
  ["connection_closed", "connection", "closed", -1],
  ["channel_created", "channel", "opened", 1],
  ["channel_closed", "channel", "closed", -1],
  ["queue_created", "queue", "made", 1],
  ["queue_deleted", "queue", "deleted", -1],
];

// What the broker does not count as churn shows in the totals.
const TOTALS: [string, string][] = [
  ["exchanges", "exchange"],
  ["consumers", "consumer"],
];

export function changesBetween(before: Overview, now: Overview, at: number): Change[] {
  const found: Change[] = [];
  for (const [name, noun, verb, sign] of CHURN) {
    const many = counter(now.churn_rates, name) - counter(before.churn_rates, name);
    if (many > 0) found.push({ text: `${plural(many, noun)} ${verb}`, at, sign });
  }
  const totals = now.churn_rates ? TOTALS : [...TOTALS, ...OBJECTS];
  for (const [name, noun] of totals) {
    const many = (now.object_totals?.[name] ?? 0) - (before.object_totals?.[name] ?? 0);
    if (many > 0) found.push({ text: `${plural(many, noun)} more`, at, sign: 1 });
    if (many < 0) found.push({ text: `${plural(-many, noun)} fewer`, at, sign: -1 });
  }
  return found;
}

const OBJECTS: [string, string][] = [
  ["connections", "connection"],
  ["channels", "channel"],
  ["queues", "queue"],
];

/** A row of GET /changes. */
export interface Done {
  at: number;
  event: string;
  user: string | null;
  names: Record<string, string>;
}

// By what is said of `subject.verb` in the events of the audit log.
const VERBS: Record<string, string> = {
  declared: "set up",
  created: "made",
  changed: "changed",
  put: "changed",
  deleted: "deleted",
  delete: "deleted",
  purged: "emptied",
};

const SUBJECTS: Record<string, string> = {
  vhost: "virtual host",
  limits: "limits of",
  definitions: "definitions",
};

// Those whose parts do not make a sentence.
const WHOLE: Record<string, string> = {
  "jobs.delete_messages": "deleted messages of",
  "jobs.move": "moved messages of",
  "jobs.redrive": "sent back dead letters of",
  "jobs.undo": "put back messages of",
  "jobs.cancel": "stopped work",
  "jobs.resume": "went on with work",
  "pausing.pause": "paused queue",
  "pausing.resume": "resumed queue",
  "cluster.put_name": "renamed the cluster",
  "cluster.reset": "reset the statistics",
  "alarms.put": "set the alarm for",
  "alarms.delete": "cleared the alarm for",
  "consumers.cancel": "cancelled a consumer",
  "connections.delete": "closed connection",
};

/** `ann deleted queue “orders” in shop`. */
export function told({ event, user, names }: Done): string {
  const who = user ?? "somebody";
  const whole = WHOLE[event];
  if (whole) return [who, whole, nameOf(names)].filter(Boolean).join(" ");
  const [subject = "", verb = ""] = event.split(".");
  const noun = SUBJECTS[subject] ?? subject.replaceAll("_", " ");
  const what = nameOf(names);
  const said = VERBS[verb] ?? verb.replaceAll("_", " ");
  return [who, said, noun, what].filter(Boolean).join(" ");
}

function nameOf({ vhost, name, target, source, destination, ...others }: Record<string, string>): string {
  const named = source !== undefined ? `${source} → ${destination}` : (name ?? target ?? vhost ?? Object.values(others)[0]);
  if (named === undefined) return "";
  const of = name && target ? ` of ${target}` : "";
  return `“${named}”${of}${vhost !== undefined && named !== vhost ? ` in ${vhost}` : ""}`;
}
