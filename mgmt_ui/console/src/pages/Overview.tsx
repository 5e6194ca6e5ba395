// The broker at a glance: is it well, how much goes through it, what has changed.
import { path } from "../lib/api";
import type { Alarm } from "../lib/health";
import { useHistory } from "../lib/history";
import { useLive } from "../lib/live";
import { chosenVhost } from "../lib/prefs";
import { may } from "../lib/session";
import { counter, type NodeInfo, type Overview, type Stats, type Vhost } from "../lib/types";
import { FirstPublish } from "../ui/FirstPublish";
import { Badge, Card, Problem } from "../ui/parts";
import { Health, Tiles } from "./parts/Health";
import { Lately } from "./parts/Lately";
import { Listeners, NodeCard } from "./parts/NodeCard";
import { LengthChart, RangeChoice, RateChart, type RateLine, useRange } from "./parts/RateCharts";
import "../styles/overview.css";

// A virtual host counts its messages at its own top level.
const groups = (object: Overview) => [object.message_stats, object.queue_totals ?? (object as unknown as Stats)];

const LINES: RateLine[] = [
  ["publish", "Published", 1, true],
  ["confirm", "Confirmed", 7],
  ["deliver_get", "Delivered", 2, true],
  ["ack", "Acknowledged", 3, true],
  ["redeliver", "Redelivered", 4],
  ["return_unroutable", "Returned", 5],
  ["drop_unroutable", "Dropped unroutable", 8],
];

export default function OverviewPage() {
  const { value: node, error } = useLive<Overview>("/overview");
  const alarms = useLive<Alarm[]>("/alarms").value;
  const vhosts = useLive<Vhost[]>("/vhosts").value;
  const nodes = useLive<NodeInfo[]>(may("monitoring") ? "/nodes" : null).value;
  const narrowed = chosenVhost.value && may("administrator") ? path("vhosts", chosenVhost.value) : null;
  const vhost = useLive<Overview>(narrowed).value;
  const past = useHistory(narrowed ?? "/overview", useRange(), narrowed ? vhost : node, groups);
  if (error) return <Problem error={error} />;
  const overview = node && narrowed ? { ...node, ...figures(vhost) } : node;
  const totals = overview?.queue_totals;
  const idle = overview && !counter(overview.message_stats, "publish") && !counter(totals, "messages");
  return (
    <div class="page">
      <div class="head">
        <h1>Overview</h1>
        {narrowed && <Badge tone="accent">messages in {chosenVhost.value}</Badge>}
        <span class="grow" />
        <RangeChoice />
      </div>
      {/* The health is the broker's, whatever the rest is narrowed to. */}
      <Health overview={node} node={nodes?.[0]} alarms={alarms} vhosts={vhosts} />
      <Tiles overview={overview} node={nodes?.[0]} />
      {idle && overview.object_totals?.connections === 0 && (
        <Card title="Send the first message">
          <FirstPublish />
        </Card>
      )}
      <div class="cards">
        <LengthChart title="Messages in queues" past={past} />
        <RateChart title="Message rates" past={past} lines={LINES} />
      </div>
      <div class="cards">
        <div class="column">
          <Lately overview={overview} />
          <Listeners overview={overview} />
        </div>
        {nodes?.map((node) => (
          <NodeCard key={node.name} node={node} overview={overview} />
        ))}
      </div>
    </div>
  );
}

function figures(vhost: Overview | undefined): Partial<Overview> {
  return { message_stats: vhost?.message_stats ?? {}, queue_totals: (vhost ?? {}) as Stats };
}

