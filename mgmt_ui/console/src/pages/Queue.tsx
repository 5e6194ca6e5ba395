// One queue.
import { put, remove } from "../lib/api";
import { answered, asked, askFor, useQuestion } from "../lib/asked";
import { bytes, plural } from "../lib/format";
import { refresh, useLive } from "../lib/live";
import { begin, undo } from "../lib/jobs";
import { DEFAULT_EXCHANGE, queuePath, topologyHref } from "../lib/paths";
import { go, href, place, setQuery } from "../lib/router";
import { useMay } from "../lib/rights";
import type { Queue } from "../lib/types";
import type { PageProps } from "../routes";
import { StateOf } from "../ui/cells";
import { confirm, dismiss } from "../ui/Dialog";
import { Icon } from "../ui/Icon";
import { lazy } from "../ui/Lazy";
import { Badge, Empty, Menu, Problem, Tabs } from "../ui/parts";
import { complain, say } from "../ui/Toasts";
import { Publish } from "./forms/Publish";
import { Bindings } from "./parts/Bindings";
import { ConsumerTable } from "./parts/ConsumerTable";
import { RangeChoice } from "./parts/RateCharts";
import { Figures } from "./queue/Figures";
import { Leaving } from "./queue/Leaving";
import { QueueOverview } from "./queue/QueueOverview";

// Most who open a queue want its figures: the browser of messages comes when it is asked for.
const Browser = lazy(() => import("./queue/Browser").then((module) => module.Browser));

export default function QueuePage({ args }: PageProps) {
  const id = { vhost: args.vhost ?? "/", name: args.name ?? "" };
  const { value: queue, error } = useLive<Queue>(queuePath(id));
  const may = useMay();
  const mayPublish = may("write", id.vhost, DEFAULT_EXCHANGE);
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
        {mayPublish && (
          <button type="button" class="button" onClick={() => askFor("publish")}>
            <Icon name="send" /> Publish
          </button>
        )}
        {may("configure", id.vhost, id.name) && <PauseButton queue={queue} />}
        <a class="button" href={topologyHref("queue", id)} aria-label="In the topology">
          <Icon name="topology" /> <span class="wide-only">In the topology</span>
        </a>
        <Actions queue={queue} />
      </div>
      {queue?.state === "paused" && <Paused queue={queue} />}
      <Tabs
        label="Parts of the queue"
        value={tab}
        onChange={(value) => go(href(["queues", id.vhost, id.name], value === "overview" ? {} : { tab: value }), { replace: true })}
        options={[
          ["overview", "Overview"],
          ["messages", `Messages ${queue?.messages ? queue.messages.toLocaleString("en-US") : ""}`],
          ["consumers", `Consumers ${queue?.consumers ? queue.consumers : ""}`],
          ["bindings", "Bindings"],
        ]}
      />
      {tab === "overview" && <QueueOverview id={id} queue={queue} />}
      {tab === "messages" && queue && (may("read", id.vhost, id.name) ? <Browser queue={queue} /> : <NotYours queue={queue} />)}
      {tab === "consumers" && (
        <>
          <Figures queue={queue} />
          <ConsumerTable rows={queue?.consumer_details} of="queue" />
        </>
      )}
      {tab === "bindings" && (
        <>
          <Bindings of={{ ...id, kind: "queue" }} direction="in" />
          {queue && <Leaving queue={queue} />}
        </>
      )}
      {asked() === "publish" && mayPublish && <Publish vhost={id.vhost} exchange="" routingKey={id.name} onClose={answered} />}
    </div>
  );
}

function NotYours({ queue }: { queue: Queue }) {
  return (
    <Empty title="Its messages are for others">
      <p>
        You have no read permission for {queue.name} in {queue.vhost}. An administrator can give it: Users, permissions.
      </p>
    </Empty>
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

async function setPaused(queue: Queue, paused: boolean): Promise<void> {
  const said = paused ? "gives nothing to consumers until it is resumed." : "delivers again.";
  await act(put(`${queuePath(queue)}/${paused ? "pause" : "resume"}`), `${queue.name} ${said}`);
}

function PauseButton({ queue }: { queue: Queue | undefined }) {
  if (!queue || queue.state === "paused" || queue.type === "stream") return null;
  return (
    <button type="button" class="button" aria-label="Pause" title="Stop the deliveries of this queue; publishing goes on" onClick={() => void setPaused(queue, true)}>
      <Icon name="pause" /> <span class="wide-only">Pause</span>
    </button>
  );
}

function Paused({ queue }: { queue: Queue }) {
  const changeable = useMay()("configure", queue.vhost, queue.name);
  return (
    <div class="banner warn" role="status">
      <Icon name="pause" />
      <span class="grow">
        Paused: nothing is delivered, to consumers or to basic.get. Publishing goes on, and what consumers hold stays with them.
      </span>
      {changeable && (
        <button type="button" class="button small" onClick={() => void setPaused(queue, false)}>
          <Icon name="play" /> Resume
        </button>
      )}
    </div>
  );
}

function Actions({ queue }: { queue: Queue | undefined }) {
  const may = useMay();
  const readable = queue !== undefined && may("read", queue.vhost, queue.name);
  const changeable = queue !== undefined && may("configure", queue.vhost, queue.name);
  useQuestion("purge", readable, async () => queue && purge(queue), dismiss);
  useQuestion("delete", changeable, async () => queue && drop(queue), dismiss);
  if (!readable && !changeable) return null;
  return (
    <Menu kind="icon" title="More actions" label={<Icon name="more" />}>
      {readable && (
        <>
          <button type="button" onClick={() => setQuery({ tab: "messages" })}>
            <Icon name="eye" /> Look into it
          </button>
          <button type="button" onClick={() => askFor("purge")}>
            <Icon name="purge" /> Purge…
          </button>
        </>
      )}
      {changeable && (
        <button type="button" onClick={() => askFor("delete")}>
          <Icon name="trash" /> Delete…
        </button>
      )}
    </Menu>
  );
}

async function purge(queue: Queue): Promise<void> {
  const ready = queue.messages_ready ?? 0;
  const sure = await confirm({
    title: `Purge ${queue.name}?`,
    text: `${plural(ready, "ready message")} (${bytes(queue.message_bytes_ready as number)}) ${undoable(queue) ? "are dropped; for ten minutes this can be undone." : "are gone for good."} Those that consumers hold stay.`,
    verb: `Purge ${plural(ready, "message")}`,
    ...(ready > 1000 ? { type: queue.name } : {}),
  });
  if (sure) await purgeNow(queue);
}

async function drop(queue: Queue): Promise<void> {
  const sure = await confirm({
    title: `Delete ${queue.name}?`,
    text: `The queue, its bindings and ${plural(queue.messages ?? 0, "message")} in it are gone for good.`,
    verb: "Delete the queue",
    type: queue.name,
  });
  if (sure && (await act(remove(queuePath(queue)), `${queue.name} is deleted.`))) go(href(["queues"]));
}

/** What is no more than this is deleted so that it can be put back (docs/operations.md). */
const MOST_UNDONE = 10_000;
const MOST_OCTETS = 16 << 20;

function undoable(queue: Queue): boolean {
  return queue.type !== "stream" && (queue.messages_ready ?? 0) <= MOST_UNDONE && ((queue.message_bytes_ready as number) ?? 0) <= MOST_OCTETS;
}

async function purgeNow(queue: Queue): Promise<void> {
  const where = queuePath(queue);
  if (!undoable(queue)) {
    await act(remove(`${where}/contents`), `${queue.name} is empty.`);
    return;
  }
  try {
    const job = await begin(where, { kind: "delete", filter: {}, more: {} });
    const back = () => void act(undo(where, job), "They are back.");
    say(`${queue.name} is empty.`, job.undoable ? { label: "Undo", run: back } : undefined);
  } catch (error) {
    complain(error);
  }
  refresh();
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
