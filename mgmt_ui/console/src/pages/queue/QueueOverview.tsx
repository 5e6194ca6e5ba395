// A queue at a glance: figures, charts, what it is and what its arguments and policies make it do.
import { bytes } from "../../lib/format";
import { useHistory } from "../../lib/history";
import { toJson } from "../../lib/json";
import { connectionHref, queuePath } from "../../lib/paths";
import type { Queue, Stats } from "../../lib/types";
import { explain, whoWins } from "../../lib/words";
import { Badge, Card, Facts, When } from "../../ui/parts";
import { PolicyLink } from "../../ui/PolicyLink";
import { LengthChart, RateChart, type RateLine, useRange } from "../parts/RateCharts";
import { Figures } from "./Figures";

const groups = (queue: Queue) => [queue.message_stats, queue as unknown as Stats];

const LINES: RateLine[] = [
  ["publish", "In", 1, true],
  ["deliver", "Delivered", 2, true],
  ["deliver_no_ack", "Delivered, automatic ack", 7],
  ["get", "Got", 6],
  ["get_no_ack", "Got, automatic ack", 8],
  ["ack", "Acknowledged", 3, true],
  ["redeliver", "Redelivered", 4],
];

export function QueueOverview({ id, queue }: { id: { vhost: string; name: string }; queue: Queue | undefined }) {
  const range = useRange();
  const past = useHistory(queuePath(id), range, queue, groups);
  return (
    <>
      <Figures queue={queue} />
      <div class="cards">
        <LengthChart title="Messages" past={past} />
        <RateChart title="Rates" past={past} lines={LINES} />
      </div>
      {queue && (
        <div class="cards">
          <Details queue={queue} />
          <Rules queue={queue} />
        </div>
      )}
    </>
  );
}

function Details({ queue }: { queue: Queue }) {
  const owner = queue.owner_pid_details?.name;
  return (
    <Card title="Details">
      <Facts
        of={[
          ["Virtual host", queue.vhost],
          ["Type", queue.type],
          ["Life", life(queue)],
          ...(owner ? [["Owner", <a key="owner" href={connectionHref(owner)}>{owner}</a>] as [string, preact.ComponentChildren]] : []),
          ["Policy", <PolicyLink key="policy" name={queue.policy} />],
          ["Operator policy", <PolicyLink key="operator" name={queue.operator_policy} operator />],
          ["Memory", bytes(queue.memory as number | undefined)],
          ["Node", String(queue.node ?? "–")],
          ["Idle since", queue.idle_since ? <When time={queue.idle_since} /> : "in use"],
          ...(queue.single_active_consumer_tag
            ? [["Active consumer", queue.single_active_consumer_tag] as [string, string]]
            : []),
        ]}
      />
    </Card>
  );
}

function life(queue: Queue): string {
  if (queue.exclusive) return "exclusive: ends with its connection";
  const parts = [queue.durable ? "durable: outlives a restart" : "transient: gone with a restart"];
  if (queue.auto_delete) parts.push("deleted when its last consumer goes");
  return parts.join("; ");
}

function Rules({ queue }: { queue: Queue }) {
  const policy = queue.effective_policy_definition ?? {};
  const own = Object.entries(queue.arguments).filter(([key]) => key !== "x-queue-type");
  return (
    <Card title="What it does with messages">
      {own.length + Object.keys(policy).length === 0 && (
        <p class="soft">Messages wait until they are consumed: no limit, no expiry, no dead letters. A policy can change that without declaring the queue anew.</p>
      )}
      <ul class="means">
        {own.map(([key, value]) => (
          <Rule key={key} name={key} value={value} from="argument" twice={key.replace(/^x-/, "") in policy} />
        ))}
        {Object.entries(policy).map(([key, value]) => (
          <Rule key={key} name={key} value={value} from="policy" />
        ))}
      </ul>
    </Card>
  );
}

function Rule({ name, value, from, twice = false }: { name: string; value: unknown; from: "argument" | "policy"; twice?: boolean }) {
  return (
    <li>
      <span>
        {explain(name, value) ?? "This broker gives it no meaning."} {twice && <span class="soft">{whoWins(name)}</span>}
      </span>
      <span class="row">
        <Badge tone={from === "policy" ? "accent" : ""}>{from}</Badge>
        <code class="faint">
          {name}: {toJson(value)}
        </code>
      </span>
    </li>
  );
}
