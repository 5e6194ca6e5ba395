// What changed lately: what was done through the API, and what came and went meanwhile.
import { useEffect, useState } from "preact/hooks";
import { type Change, changesBetween, type Done, told } from "../../lib/changes";
import { count } from "../../lib/format";
import { useLive } from "../../lib/live";
import { serverNow } from "../../lib/time";
import { counter, type Overview } from "../../lib/types";
import { Ago, Badge, Card } from "../../ui/parts";

let seen: { before: Overview | undefined; changes: Change[] } = { before: undefined, changes: [] };
const KEEP = 12;

interface Line {
  at: number;
  sign: string;
  text: string;
}

/** What came and went since the page was opened. */
function useSeen(overview: Overview | undefined): Change[] {
  const [, redraw] = useState(0);
  useEffect(() => {
    if (!overview) return;
    const changes = seen.before ? changesBetween(seen.before, overview, serverNow()) : [];
    seen = { before: overview, changes: [...changes, ...seen.changes].slice(0, KEEP) };
    redraw((n) => n + 1);
  }, [overview]);
  return seen.changes;
}

export function Lately({ overview }: { overview: Overview | undefined }) {
  const came = useSeen(overview).map(({ at, sign, text }): Line => ({ at, text, sign: sign > 0 ? "+" : "−" }));
  const done = (useLive<Done[]>("/changes").value ?? []).map((each): Line => ({ at: each.at, sign: "✎", text: told(each) }));
  const lines = [...came, ...done].sort((a, b) => b.at - a.at).slice(0, KEEP);
  const churn = overview?.churn_rates;
  return (
    <Card title="What changed lately">
      {lines.length === 0 ? (
        <p class="soft">Nothing was changed through the API since the start, and nothing has come or gone since this page was opened.</p>
      ) : (
        <ul class="lately">
          {lines.map(({ at, sign, text }) => (
            <li key={`${at} ${text}`}>
              <Badge tone={sign === "+" ? "good" : sign === "✎" ? "info" : ""}>
                <span aria-hidden="true">{sign}</span>
              </Badge>
              <span class="grow">{text}</span>
              <span class="faint nowrap">
                <Ago time={at} />
              </span>
            </li>
          ))}
        </ul>
      )}
      {churn && (
        <p class="faint" style={{ marginTop: "12px" }}>
          Since the start: {count(counter(churn, "connection_created"))} connections and{" "}
          {count(counter(churn, "channel_created"))} channels opened, {count(counter(churn, "queue_created"))} queues made
          and {count(counter(churn, "queue_deleted"))} deleted.
        </p>
      )}
    </Card>
  );
}
