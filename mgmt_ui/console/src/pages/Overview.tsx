// The broker at a glance: is it well, how much goes through it, what has changed.
import { useEffect, useState } from "preact/hooks";
import { bytes, count, percent, rate, span } from "../lib/format";
import { useHistory } from "../lib/history";
import { useLive } from "../lib/live";
import { path } from "../lib/api";
import { chosenVhost } from "../lib/prefs";
import { href } from "../lib/router";
import { may } from "../lib/session";
import { counter, type NodeInfo, type Overview, rateOf, type Stats } from "../lib/types";
import { type Change, changesBetween } from "../lib/changes";
import { serverNow } from "../lib/time";
import { FirstPublish } from "../ui/FirstPublish";
import { Icon } from "../ui/Icon";
import { Ago, Badge, Card, Facts, Problem, State, Tile } from "../ui/parts";
import { LengthChart, RangeChoice, RateChart, type RateLine, useRange } from "./parts/RateCharts";

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
      <Health overview={overview} node={nodes?.[0]} />
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
        {nodes?.map((node) => (
          <NodeCard key={node.name} node={node} overview={overview} />
        ))}
        <Listeners overview={overview} />
        <Lately overview={overview} />
      </div>
    </div>
  );
}

function figures(vhost: Overview | undefined): Partial<Overview> {
  return { message_stats: vhost?.message_stats ?? {}, queue_totals: (vhost ?? {}) as Stats };
}

function Health({ overview, node }: { overview: Overview | undefined; node: NodeInfo | undefined }) {
  const totals = overview?.queue_totals;
  const stats = overview?.message_stats;
  const alarms = [node?.mem_alarm && "memory", node?.disk_free_alarm && "disk"].filter(Boolean);
  const memory = node?.mem_limit ? (node.mem_used ?? 0) / node.mem_limit : undefined;
  return (
    <>
      {alarms.length > 0 && (
        <div class="banner bad" role="alert">
          <Icon name="alert" />
          <span>
            <b>Publishers are held up:</b> {alarms.join(" and ")} {alarms.length > 1 ? "are" : "is"} low. Consume or
            purge messages, or give the broker more; it goes on by itself.
          </span>
        </div>
      )}
      <div class="tiles eight">
        <Tile
          label="Health"
          value={alarms.length ? "Alarm" : overview ? "Good" : "…"}
          tone={alarms.length ? "bad" : ""}
          note={alarms.length ? alarms.join(", ") : "no alarms"}
        />
        <Tile
          label="Ready"
          value={count(totals ? counter(totals, "messages_ready") : undefined)}
          note={growth(rateOf(totals, "messages_ready"))}
          href={href(["queues"], { sort: "-ready" })}
        />
        <Tile
          label="Unacknowledged"
          value={count(totals ? counter(totals, "messages_unacknowledged") : undefined)}
          note={growth(rateOf(totals, "messages_unacknowledged"))}
          href={href(["queues"], { sort: "-unacked" })}
        />
        <Tile label="Published" value={rate(rateOf(stats, "publish"))} note={`${count(counter(stats, "publish"))} in all`} />
        <Tile
          label="Delivered"
          value={rate(rateOf(stats, "deliver_get"))}
          note={`${count(counter(stats, "deliver_get"))} in all`}
        />
        {node?.mem_used !== undefined && (
          <Tile
            label="Memory"
            value={bytes(node.mem_used)}
            note={memory === undefined ? undefined : `${percent(memory)} of ${bytes(node.mem_limit)}`}
            tone={node.mem_alarm ? "bad" : ""}
            {...(memory === undefined ? {} : { share: memory })}
          />
        )}
        {node?.disk_free !== undefined && (
          <Tile
            label="Disk free"
            value={bytes(node.disk_free)}
            note={`alarm below ${bytes(node.disk_free_limit)}`}
            tone={node.disk_free_alarm ? "bad" : ""}
          />
        )}
        <Tile
          label="Connections"
          value={count(overview?.object_totals?.connections)}
          note={`${count(overview?.object_totals?.channels)} channels`}
          href={href(["connections"])}
        />
      </div>
    </>
  );
}

function growth(perSecond: number): string {
  if (Math.abs(perSecond) < 0.05) return "steady";
  return perSecond > 0 ? `growing by ${rate(perSecond)}` : `shrinking by ${rate(-perSecond)}`;
}

function NodeCard({ node, overview }: { node: NodeInfo; overview: Overview | undefined }) {
  const share = (used?: number, total?: number) =>
    used === undefined ? "–" : total ? `${count(used)} of ${count(total)}` : count(used);
  return (
    <Card
      title={node.name}
      tools={<State tone={node.running === false ? "bad" : "good"}>{node.running === false ? "Stopped" : "Running"}</State>}
    >
      <Facts
        of={[
          ["Up for", span(node.uptime)],
          ["Memory", `${bytes(node.mem_used)}, alarm at ${bytes(node.mem_limit)}`],
          ["Disk free", `${bytes(node.disk_free)}, alarm below ${bytes(node.disk_free_limit)}`],
          ["File descriptors", share(node.fd_used, node.fd_total)],
          ["Sockets", share(node.sockets_used, node.sockets_total)],
          ["Processors", count(node.processors)],
          ["Process", node.os_pid ?? "–"],
          ["Version", `${overview?.product_name ?? ""} ${overview?.product_version ?? ""}, ${overview?.erlang_full_version ?? ""}`],
          ["Spoken as", `RabbitMQ ${overview?.rabbitmq_version ?? ""}`],
        ]}
      />
    </Card>
  );
}

function Listeners({ overview }: { overview: Overview | undefined }) {
  if (!overview?.listeners) return null;
  return (
    <Card title="Listeners" flush>
      <div class="plain">
        <table class="table">
          <thead>
            <tr>
              <th scope="col">Protocol</th>
              <th scope="col">Address</th>
              <th scope="col" class="num">
                Port
              </th>
            </tr>
          </thead>
          <tbody>
            {overview.listeners.map(({ protocol, ip_address, port }) => (
              <tr key={`${protocol} ${ip_address} ${port}`}>
                <td>
                  <Badge>{protocol}</Badge>
                </td>
                <td class="mono">{ip_address}</td>
                <td class="num mono">{port}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}

let seen: { before: Overview | undefined; changes: Change[] } = { before: undefined, changes: [] };
const KEEP = 12;

/** What has come and gone since this page was opened. */
function Lately({ overview }: { overview: Overview | undefined }) {
  const [, redraw] = useState(0);
  useEffect(() => {
    if (!overview) return;
    if (seen.before) {
      const changes = changesBetween(seen.before, overview, serverNow());
      seen = { before: overview, changes: [...changes, ...seen.changes].slice(0, KEEP) };
    } else seen = { before: overview, changes: [] };
    redraw((n) => n + 1);
  }, [overview]);
  const churn = overview?.churn_rates;
  return (
    <Card title="What changed lately">
      {seen.changes.length === 0 ? (
        <p class="soft">Nothing has come or gone since this page was opened.</p>
      ) : (
        <ul class="stack" style={{ listStyle: "none", gap: "6px" }}>
          {seen.changes.map(({ text, at, sign }) => (
            <li key={`${at} ${text}`} class="row">
              <Badge tone={sign > 0 ? "good" : ""}>{sign > 0 ? "+" : "−"}</Badge> {text}
              <span style={{ flex: 1 }} />
              <span class="faint">
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
