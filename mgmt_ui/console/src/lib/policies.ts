// Which queues and exchanges a policy would be for, and who else wants them. Pure: what the broker
// does (one policy an object, the highest priority, then the first by name), told before it is done.
import type { Arguments } from "./types";

export interface Policy {
  vhost: string;
  name: string;
  pattern: string;
  "apply-to": string;
  definition: Arguments;
  priority: number;
}

/** What a policy can be for, as the lists of the API tell it. */
export interface Candidate {
  kind: "queue" | "exchange";
  name: string;
  /** The type of the queue or of the exchange. */
  type: string;
  /** The policy that it is under now; operator policies are compared with operator policies. */
  policy: string | null;
}

export interface Judged {
  candidate: Candidate;
  /** `stays`: it is under this policy already; `loses`: another one keeps it. */
  outcome: "new" | "stays" | "replaces" | "loses";
  other?: Policy;
}

export const APPLY_TO: [string, string][] = [
  ["all", "queues and exchanges"],
  ["queues", "queues of any type"],
  ["classic_queues", "classic queues"],
  ["quorum_queues", "quorum queues"],
  ["streams", "streams"],
  ["exchanges", "exchanges"],
];

const TYPES: Record<string, string[]> = {
  all: ["exchange", "classic", "quorum", "stream"],
  queues: ["classic", "quorum", "stream"],
  exchanges: ["exchange"],
  classic_queues: ["classic"],
  quorum_queues: ["quorum"],
  streams: ["stream"],
};

const [C, Q, S] = ["classic", "quorum", "stream"] as const;
// Keys that not every type of queue knows: those that do not are not under the policy at all.
const KNOWN_TO: Map<string, string[]> = new Map(
  (
    [
      [[C, Q], "message-ttl expires max-length overflow dead-letter-exchange dead-letter-routing-key consumer-timeout"],
      [[Q], "dead-letter-strategy delivery-limit max-in-memory-length max-in-memory-bytes consumer-disconnected-timeout delayed-retry-type delayed-retry-min delayed-retry-max target-group-size"],
      [[C], "queue-mode queue-version queue-master-locator ha-mode ha-params ha-sync-mode ha-sync-batch-size ha-promote-on-shutdown ha-promote-on-failure"],
      [[S], "max-age stream-max-segment-size-bytes stream-filter-size-bytes initial-cluster-size"],
    ] as [string[], string][]
  ).flatMap(([types, keys]) => keys.split(" ").map((key) => [key, types] as const)),
);

type Draft = Pick<Policy, "name" | "pattern" | "apply-to" | "definition" | "priority">;

/** Whether it is for objects of this kind, whatever their names. */
export function meant(draft: Draft, { kind, type }: Candidate): boolean {
  const own = kind === "exchange" ? "exchange" : type;
  if (!TYPES[draft["apply-to"]]?.includes(own)) return false;
  return kind === "exchange" || Object.keys(draft.definition).every((key) => KNOWN_TO.get(key)?.includes(own) ?? true);
}

/** A filter for names; null for a pattern that only the broker can read. */
export function filterOf(pattern: string): ((name: string) => boolean) | null {
  try {
    const compiled = new RegExp(pattern, "u");
    return (name) => compiled.test(name);
  } catch {
    return null;
  }
}

/** What becomes of those that the pattern fits; `policies` are all of the virtual host. */
export function judge(draft: Draft, candidates: Candidate[], policies: Policy[]): Judged[] {
  const fits = filterOf(draft.pattern);
  return candidates
    .filter((each) => meant(draft, each) && (fits?.(each.name) ?? true))
    .map((candidate) => {
      if (candidate.policy === draft.name) return { candidate, outcome: "stays" };
      const other = policies.find(({ name }) => name === candidate.policy);
      if (!other) return { candidate, outcome: "new" };
      return { candidate, outcome: before(draft, other) ? "replaces" : "loses", other };
    });
}

function before(one: Draft, other: Draft): boolean {
  return one.priority === other.priority ? one.name < other.name : one.priority > other.priority;
}
