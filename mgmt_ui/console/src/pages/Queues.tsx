// All queues.
import { remove } from "../lib/api";
import { adding } from "../lib/asked";
import { bytes, percent } from "../lib/format";
import { listOf, queueHref, queuePath } from "../lib/paths";
import { chosenVhost } from "../lib/prefs";
import { type May, useMay, useMayMake } from "../lib/rights";
import type { Queue } from "../lib/types";
import { Count, rateColumn, sparkColumn, StateOf } from "../ui/cells";
import type { Column } from "../ui/columns";
import { confirmAll } from "../ui/Dialog";
import { Features } from "../ui/Features";
import { FirstPublish } from "../ui/FirstPublish";
import { AddButton, Ago, Badge, Empty } from "../ui/parts";
import { Table } from "../ui/Table";
import type { BulkAction } from "../ui/TableTools";
import { AddQueue } from "./forms/AddQueue";

const keyOf = ({ vhost, name }: Queue) => `${vhost} ${name}`;

const COLUMNS: Column<Queue>[] = [
  {
    id: "name",
    title: "Name",
    width: 200,
    sort: "name",
    fields: ["name", "vhost"],
    shown: "small",
    render: (queue) => (
      <a href={queueHref(queue)} title={queue.name}>
        {queue.name}
      </a>
    ),
  },
  {
    id: "vhost",
    title: "Virtual host",
    width: 110,
    sort: "vhost",
    fields: ["vhost"],
    render: (queue) => queue.vhost,
  },
  {
    id: "type",
    title: "Type",
    width: 80,
    sort: "type",
    fields: ["type"],
    shown: true,
    render: (queue) => <Badge tone={queue.type === "quorum" ? "info" : queue.type === "stream" ? "accent" : ""}>{queue.type}</Badge>,
  },
  {
    id: "features",
    title: "Features",
    width: 150,
    fields: ["durable", "auto_delete", "exclusive", "arguments", "policy", "operator_policy"],
    shown: true,
    render: (queue) => <Features of={queue} />,
  },
  {
    id: "state",
    title: "State",
    width: 96,
    sort: "state",
    fields: ["state"],
    shown: "wide",
    render: (queue) => <StateOf state={queue.state} />,
  },
  number("ready", "Ready", "messages_ready", "Messages", "small"),
  number("unacked", "Unacked", "messages_unacknowledged", "Messages", true),
  number("total", "Total", "messages", "Messages", "wide"),
  {
    id: "bytes",
    title: "Size",
    group: "Messages",
    width: 90,
    num: true,
    sort: "message_bytes",
    fields: ["message_bytes"],
    render: (queue) => bytes(queue.message_bytes),
  },
  sparkColumn("Last minute", ["messages_ready"], keyOf, (queue) => queue.messages_ready ?? 0),
  rateColumn("publish", "In", true),
  rateColumn("deliver_get", "Out", true),
  rateColumn("ack", "Acked"),
  rateColumn("redeliver", "Redelivered"),
  number("consumers", "Consumers", "consumers", undefined, true),
  {
    id: "capacity",
    title: "Capacity",
    width: 90,
    num: true,
    sort: "consumer_capacity",
    fields: ["consumer_capacity"],
    render: (queue) => percent(queue.consumer_capacity),
  },
  {
    id: "idle",
    title: "Idle since",
    width: 110,
    sort: "idle_since",
    fields: ["idle_since"],
    render: (queue) => <Ago time={queue.idle_since} />,
  },
];

function number(
  id: string,
  title: string,
  field: "messages_ready" | "messages_unacknowledged" | "messages" | "consumers",
  group: string | undefined,
  shown: true | "small" | "wide",
): Column<Queue> {
  return {
    id,
    title,
    ...(group ? { group } : {}),
    width: 92,
    num: true,
    sort: field,
    fields: [field],
    shown,
    render: (queue) => <Count value={queue[field]} />,
  };
}

const bulkOf = (may: May): BulkAction<Queue>[] => [
  {
    label: "Purge",
    icon: "purge",
    danger: true,
    done: "purged",
    ask: (rows) =>
      confirmAll(rows, {
        does: "Purge",
        noun: ["queue"],
        text: "All messages that are ready in them are gone for good. Unacknowledged ones stay.",
      }),
    may: ({ vhost, name }) => may("read", vhost, name),
    run: (row) => remove(`${queuePath(row)}/contents`),
  },
  {
    label: "Delete",
    icon: "trash",
    danger: true,
    done: "deleted",
    ask: (rows) =>
      confirmAll(rows, {
        does: "Delete",
        noun: ["queue"],
        text: "The queues, their bindings and all messages in them are gone for good. Consumers are cancelled.",
      }),
    may: ({ vhost, name }) => may("configure", vhost, name),
    run: (row) => remove(queuePath(row)),
  },
];

export default function Queues() {
  const may = useMay();
  const mayMake = useMayMake(chosenVhost.value);
  return (
    <div class="page">
      <div class="head">
        <h1>Queues</h1>
      </div>
      <Table
        kind="queues"
        where={listOf("queues")}
        columns={COLUMNS}
        always={["name", "vhost"]}
        keyOf={keyOf}
        bulk={bulkOf(may)}
        noun={["queue", "queues"]}
        tools={mayMake && <AddButton>Add a queue</AddButton>}
        empty={
          <Empty title={chosenVhost.value ? `No queues in ${chosenVhost.value}` : "No queues yet"}>
            <p>A queue keeps messages until somebody takes them. Make one here, or let a client make it and send to it:</p>
            <FirstPublish vhost={chosenVhost.value || "/"} />
          </Empty>
        }
      />
      {adding.open && mayMake && <AddQueue onClose={adding.end} />}
    </div>
  );
}
