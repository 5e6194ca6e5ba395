// What a policy would be for, before it is made: the broker finds the names, policies.ts judges.
import { useEffect, useState } from "preact/hooks";
import { get, path } from "../../lib/api";
import { count, plural } from "../../lib/format";
import { type Candidate, judge, type Judged, type Policy } from "../../lib/policies";
import type { Exchange, Page, Queue } from "../../lib/types";
import { Badge, type Tone } from "../../ui/parts";
import type { Kind } from "../Policies";

const TYPE_MS = 200;
const LOOK_AT = 500;
const SHOW = 40;

interface Found {
  candidates: Candidate[];
  /** How many more there are than were looked at. */
  more: number;
}

interface Props {
  kind: Kind;
  draft: Policy;
  policies: Policy[];
}

export function PolicyPreview({ kind, draft, policies }: Props) {
  const [found, setFound] = useState<Found>();
  const [problem, setProblem] = useState("");
  useEffect(() => {
    const stop = new AbortController();
    const timer = setTimeout(() => {
      candidates(kind, draft.vhost, draft.pattern, stop.signal).then(
        (value) => {
          setFound(value);
          setProblem("");
        },
        (error: Error) => {
          if (error.name !== "AbortError") setProblem("This pattern is not a regular expression that the broker can use.");
        },
      );
    }, TYPE_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [kind, draft.vhost, draft.pattern]);
  const judged = found ? judge(draft, found.candidates, policies) : [];
  return (
    <section class="all preview" aria-label="What it is for">
      <p role="status" aria-live="polite">
        <b>{problem || (found ? summary(judged, found.more) : "Looking…")}</b>
      </p>
      {!problem && judged.length > 0 && (
        <ul>
          {judged.slice(0, SHOW).map((each) => (
            <Line key={`${each.candidate.kind} ${each.candidate.name}`} judged={each} />
          ))}
          {judged.length > SHOW && <li class="faint">and {count(judged.length - SHOW)} more</li>}
        </ul>
      )}
    </section>
  );
}

function summary(judged: Judged[], more: number): string {
  if (judged.length === 0) return "Nothing that is there now. What is made later and fits will be under it.";
  const queues = judged.filter(({ candidate }) => candidate.kind === "queue").length;
  const exchanges = judged.length - queues;
  const parts = [queues ? plural(queues, "queue") : "", exchanges ? plural(exchanges, "exchange") : ""].filter(Boolean);
  const lost = judged.filter(({ outcome }) => outcome === "loses").length;
  return (
    `It fits ${parts.join(" and ")}` +
    (more > 0 ? ` of the first ${count(LOOK_AT)} looked at` : "") +
    (lost ? `; ${count(lost)} of them stay with another policy.` : ".")
  );
}

const OUTCOMES: Record<Judged["outcome"], [Tone, (other: string) => string]> = {
  new: ["good", () => "comes under it"],
  stays: ["", () => "is under it"],
  replaces: ["info", (other) => `instead of ${other}`],
  loses: ["warn", (other) => `stays with ${other}`],
};

function Line({ judged: { candidate, outcome, other } }: { judged: Judged }) {
  const [tone, words] = OUTCOMES[outcome];
  return (
    <li>
      <span class="cut">{candidate.name || "(default exchange)"}</span>
      <span class="faint">{candidate.kind === "queue" ? candidate.type : "exchange"}</span>
      <Badge tone={tone}>{words(other ? `${other.name} (priority ${other.priority})` : "")}</Badge>
    </li>
  );
}

async function candidates(kind: Kind, vhost: string, pattern: string, stop: AbortSignal): Promise<Found> {
  const own = kind === "policies" ? "policy" : "operator_policy";
  const query = new URLSearchParams({ page: "1", page_size: String(LOOK_AT), columns: `name,type,${own}` });
  if (pattern) {
    query.set("name", pattern);
    query.set("use_regex", "true");
  }
  const [queues, exchanges] = await Promise.all([
    get<Page<Queue>>(`${path("queues", vhost)}?${query}`, stop),
    get<Page<Exchange>>(`${path("exchanges", vhost)}?${query}`, stop),
  ]);
  const as = (what: Candidate["kind"]) => (each: Queue | Exchange): Candidate => ({
    kind: what,
    name: each.name,
    type: each.type,
    policy: (each[own] as string | null | undefined) || null,
  });
  return {
    candidates: [...queues.items.map(as("queue")), ...exchanges.items.map(as("exchange"))],
    more: Math.max(0, queues.filtered_count - LOOK_AT) + Math.max(0, exchanges.filtered_count - LOOK_AT),
  };
}
