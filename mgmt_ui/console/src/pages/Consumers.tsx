// All consumers.
import { path, remove } from "../lib/api";
import { toJson } from "../lib/json";
import { channelHref, listOf, queueHref } from "../lib/paths";
import { span } from "../lib/format";
import { mayClose } from "../lib/rights";
import type { Consumer } from "../lib/types";
import { StateOf } from "../ui/cells";
import type { Column } from "../ui/columns";
import { confirmAll } from "../ui/Dialog";
import { Badge, Empty, Snippet } from "../ui/parts";
import { Table } from "../ui/Table";
import type { BulkAction } from "../ui/TableTools";

const WORDS: Record<string, string> = {
  up: "up",
  single_active: "active",
  waiting: "waiting",
  suspected_down: "down",
};

const COLUMNS: Column<Consumer>[] = [
  {
    id: "tag",
    title: "Consumer tag",
    width: 200,
    sort: "consumer_tag",
    fields: ["consumer_tag", "channel_details"],
    shown: "small",
    render: ({ consumer_tag }) => <b title={consumer_tag}>{consumer_tag}</b>,
  },
  {
    id: "queue",
    title: "Queue",
    width: 150,
    sort: "queue.name",
    fields: ["queue"],
    shown: "small",
    render: ({ queue }) => <a href={queueHref(queue)}>{queue.name}</a>,
  },
  { id: "vhost", title: "Virtual host", width: 110, sort: "queue.vhost", fields: ["queue"], render: ({ queue }) => queue.vhost },
  {
    id: "channel",
    title: "Channel",
    width: 250,
    fields: ["channel_details"],
    shown: true,
    render: ({ channel_details: channel }) => (
      <a href={channelHref(channel.name)} title={channel.name}>
        {channel.name}
      </a>
    ),
  },
  { id: "user", title: "User", width: 100, fields: ["channel_details"], render: ({ channel_details: channel }) => channel.user },
  {
    id: "state",
    title: "State",
    width: 100,
    sort: "activity_status",
    fields: ["activity_status", "active"],
    shown: true,
    render: ({ activity_status: status = "up" }) => <StateOf state={WORDS[status] ?? status} />,
  },
  {
    id: "ack",
    title: "Acknowledges",
    width: 110,
    sort: "ack_required",
    fields: ["ack_required", "exclusive"],
    shown: true,
    render: ({ ack_required, exclusive }) => (
      <>
        {ack_required ? "itself" : <Badge tone="warn">automatic</Badge>} {exclusive && <Badge>exclusive</Badge>}
      </>
    ),
  },
  {
    id: "prefetch",
    title: "Prefetch",
    width: 90,
    num: true,
    sort: "prefetch_count",
    fields: ["prefetch_count"],
    shown: true,
    render: ({ prefetch_count }) => (prefetch_count ? prefetch_count : "no limit"),
  },
  {
    id: "timeout",
    title: "Timeout",
    width: 90,
    num: true,
    sort: "consumer_timeout",
    fields: ["consumer_timeout"],
    render: ({ consumer_timeout }) => span(consumer_timeout),
  },
  {
    id: "arguments",
    title: "Arguments",
    width: 180,
    fields: ["arguments"],
    render: ({ arguments: given }) => <code>{Object.keys(given ?? {}).length ? toJson(given) : ""}</code>,
  },
];

const keyOf = ({ consumer_tag, channel_details }: Consumer) => `${channel_details?.name} ${consumer_tag}`;

const BULK: BulkAction<Consumer>[] = [
  {
    label: "Cancel",
    icon: "close",
    danger: true,
    done: "cancelled",
    ask: (rows) =>
      confirmAll(rows, {
        does: "Cancel",
        noun: ["consumer"],
        text: "They get no more messages, and their clients are told so; what they have not acknowledged stays theirs. Most clients do not consume again by themselves.",
        verb: "Cancel them",
      }),
    may: ({ channel_details: { user } }) => mayClose(user),
    run: ({ consumer_tag: tag, queue, channel_details: channel }) =>
      remove(path("consumers", queue.vhost, channel.connection_name, String(channel.number), tag)),
  },
];

const EXAMPLE = `for method, properties, body in channel.consume("orders"):
    print(body)
    channel.basic_ack(method.delivery_tag)`;

export default function Consumers() {
  return (
    <div class="page">
      <div class="head">
        <h1>Consumers</h1>
      </div>
      <Table
        kind="consumers"
        where={listOf("consumers")}
        columns={COLUMNS}
        always={["consumer_tag", "queue", "channel_details"]}
        keyOf={keyOf}
        bulk={BULK}
        by="queue"
        noun={["consumer", "consumers"]}
        empty={
          <Empty title="Nobody consumes">
            <p>A consumer gets the messages of a queue as they come. With pika:</p>
            <Snippet text={EXAMPLE} />
          </Empty>
        }
      />
    </div>
  );
}
