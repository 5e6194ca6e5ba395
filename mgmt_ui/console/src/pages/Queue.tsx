// One queue.
import { useState } from "preact/hooks";
import { remove } from "../lib/api";
import { bytes, count, percent, plural } from "../lib/format";
import { useHistory } from "../lib/history";
import { refresh, useLive } from "../lib/live";
import { connectionHref, queuePath, topologyHref } from "../lib/paths";
import { go, href, place, setQuery } from "../lib/router";
import type { Queue, Stats } from "../lib/types";
import { explain } from "../lib/words";
import type { PageProps } from "../routes";
import { StateOf } from "../ui/cells";
import { confirm } from "../ui/Dialog";
import { Icon } from "../ui/Icon";
import { Ago, Badge, Card, Empty, Facts, Menu, Problem, Tabs, Tile } from "../ui/parts";
import { PolicyLink } from "../ui/PolicyLink";
import { complain, say } from "../ui/Toasts";
import { Publish } from "./forms/Publish";
import { Bindings } from "./parts/Bindings";
import { ConsumerTable } from "./parts/ConsumerTable";
import { Messages } from "./parts/Messages";
import { LengthChart, RangeChoice, RateChart, type RateLine, useRange } from "./parts/RateCharts";

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

export default function QueuePage({ args }: PageProps) {
  const id = { vhost: args.vhost ?? "/", name: args.name ?? "" };
  const where = queuePath(id);
  const { value: queue, error } = useLive<Queue>(where);
  const range = useRange();
  const past = useHistory(where, range, queue, groups);
  const [publishing, setPublishing] = useState(false);
  const tab = place.value.query.tab ?? "overview";
  if (error?.status === 404) return <Gone name={id.name} />;
  if (error) return <Problem error={error} />;
  return (
    <div class="page">
      <div class="head">
        <nav class="crumbs" aria-label="Where this is">
          <a href={href(["queues"])}>Queues</a> <span aria-hidden="true">›</span> <span>in {id.vhost}</span>
        </nav>
        <h1>{id.name}</h1>
        {queue && <Badge>{queue.type}</Badge>}
        {queue && <StateOf state={queue.state} />}
        <span class="grow" />
        {tab === "overview" && <RangeChoice />}
        <button type="button" class="button" onClick={() => setPublishing(true)}>
          <Icon name="send" /> Publish
        </button>
        <a class="button" href={topologyHref("queue", id)} aria-label="In the topology">
          <Icon name="topology" /> <span class="wide-only">In the topology</span>
        </a>
        <Actions queue={queue} />
      </div>
      <Tabs
        label="Parts of the queue"
        value={tab}
        onChange={(value) => setQuery({ tab: value === "overview" ? "" : value })}
        options={[
          ["overview", "Overview"],
          ["messages", "Messages"],
          ["consumers", `Consumers ${queue?.consumers ? queue.consumers : ""}`],
          ["bindings", "Bindings"],
        ]}
      />
      {tab === "overview" && (
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
      )}
      {tab === "messages" && queue && <Messages queue={queue} />}
      {tab === "consumers" && <ConsumerTable rows={queue?.consumer_details} of="queue" />}
      {tab === "bindings" && <Bindings of={{ ...id, kind: "queue" }} direction="in" />}
      {publishing && <Publish vhost={id.vhost} exchange="" routingKey={id.name} onClose={() => setPublishing(false)} />}
    </div>
  );
}

function Gone({ name }: { name: string }) {
  return (
    <Empty title={`There is no queue “${name}”`}>
      <p>It was deleted, or it never was. Exclusive and auto-delete queues go with those who use them.</p>
      <a href={href(["queues"])}>To all queues</a>
    </Empty>
  );
}

function Figures({ queue }: { queue: Queue | undefined }) {
  const idle = queue?.consumers === 0 && (queue.messages_ready ?? 0) > 0;
  return (
    <div class="tiles">
      <Tile label="Ready" value={count(queue?.messages_ready)} note={bytes(queue?.message_bytes_ready as number)} />
      <Tile label="Unacknowledged" value={count(queue?.messages_unacknowledged)} note={bytes(queue?.message_bytes_unacknowledged as number)} />
      <Tile
        label="Consumers"
        value={count(queue?.consumers)}
        tone={idle ? "warn" : ""}
        note={idle ? "messages wait, nobody consumes" : `capacity ${percent(queue?.consumer_capacity)}`}
      />
      <Tile label="On disk" value={count(queue?.messages_persistent as number | undefined)} note="persistent messages" />
      <Tile label="Oldest message" value={<Oldest queue={queue} />} />
    </div>
  );
}

function Oldest({ queue }: { queue: Queue | undefined }) {
  const age = queue?.oldest_message_age;
  if (typeof age === "number") return <>{plural(Math.round(age / 1000), "second")}</>;
  const head = queue?.head_message_timestamp;
  return typeof head === "number" ? <Ago time={head * 1000} /> : <>–</>;
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
          ["Idle since", queue.idle_since ? <Ago time={queue.idle_since} /> : "in use"],
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
  const fromPolicy = Object.entries(queue.effective_policy_definition ?? {});
  const own = Object.entries(queue.arguments).filter(([key]) => key !== "x-queue-type");
  return (
    <Card title="What it does with messages">
      {own.length + fromPolicy.length === 0 && (
        <p class="soft">Messages wait until they are consumed: no limit, no expiry, no dead letters.</p>
      )}
      <ul class="means">
        {[...own.map((each) => [...each, "argument"] as const), ...fromPolicy.map((each) => [...each, "policy"] as const)].map(
          ([key, value, from]) => (
            <li key={`${from} ${key}`}>
              <span>{explain(key, value) ?? "This broker gives it no meaning."}</span>
              <span class="row">
                <Badge tone={from === "policy" ? "accent" : ""}>{from}</Badge>
                <code class="faint">
                  {key}: {JSON.stringify(value)}
                </code>
              </span>
            </li>
          ),
        )}
      </ul>
    </Card>
  );
}

function Actions({ queue }: { queue: Queue | undefined }) {
  if (!queue) return null;
  const where = queuePath(queue);
  const purge = async () => {
    const sure = await confirm({
      title: `Purge ${queue.name}?`,
      text: `${plural(queue.messages_ready ?? 0, "ready message")} are gone for good. Those that consumers hold stay.`,
      verb: "Purge",
    });
    if (sure) await act(remove(`${where}/contents`), `${queue.name} is empty.`);
  };
  const drop = async () => {
    const sure = await confirm({
      title: `Delete ${queue.name}?`,
      text: `The queue, its bindings and ${plural(queue.messages ?? 0, "message")} in it are gone for good.`,
      verb: "Delete the queue",
      type: queue.name,
    });
    if (sure && (await act(remove(where), `${queue.name} is deleted.`))) go(href(["queues"]));
  };
  return (
    <Menu kind="icon" title="More actions" label={<Icon name="more" />}>
      <button type="button" onClick={purge}>
        <Icon name="purge" /> Purge…
      </button>
      <button type="button" onClick={drop}>
        <Icon name="trash" /> Delete…
      </button>
    </Menu>
  );
}

async function act(done: Promise<unknown>, text: string): Promise<boolean> {
  try {
    await done;
    say(text);
    return true;
  } catch (error) {
    complain(error);
    return false;
  } finally {
    refresh();
  }
}
