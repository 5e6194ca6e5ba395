// All channels.
import { clientsOf, channelHref } from "../lib/paths";
import { rateOf, type Channel } from "../lib/types";
import { Count, rateColumn, sparkColumn, StateOf } from "../ui/cells";
import type { Column } from "../ui/columns";
import { Badge, Empty } from "../ui/parts";
import { Table } from "../ui/Table";

type Number = "consumer_count" | "prefetch_count" | "messages_unacknowledged" | "messages_unconfirmed" | "messages_uncommitted";

const COLUMNS: Column<Channel>[] = [
  {
    id: "name",
    title: "Channel",
    width: 250,
    sort: "name",
    fields: ["name"],
    shown: "small",
    render: ({ name }) => (
      <a href={channelHref(name)} title={name}>
        {name}
      </a>
    ),
  },
  { id: "vhost", title: "Virtual host", width: 110, sort: "vhost", fields: ["vhost"], render: ({ vhost }) => vhost },
  { id: "user", title: "User", width: 100, sort: "user", fields: ["user"], shown: "wide", render: ({ user }) => user },
  {
    id: "mode",
    title: "Mode",
    width: 90,
    fields: ["confirm", "transactional"],
    shown: true,
    render: ({ confirm, transactional }) => (
      <>
        {confirm && <Badge title="Asks for publisher confirms">confirms</Badge>}
        {transactional && <Badge title="Works in transactions">tx</Badge>}
      </>
    ),
  },
  { id: "state", title: "State", width: 100, sort: "state", fields: ["state", "idle_since"], shown: "wide", render: ({ state }) => <StateOf state={state} /> },
  number("consumers", "Consumers", "consumer_count", "wide"),
  number("prefetch", "Prefetch", "prefetch_count", true),
  number("unacked", "Unacked", "messages_unacknowledged", "small"),
  number("unconfirmed", "Unconfirmed", "messages_unconfirmed", true),
  number("uncommitted", "Uncommitted", "messages_uncommitted"),
  sparkColumn(
    "Last minute",
    ["message_stats.publish_details.rate", "message_stats.deliver_get_details.rate"],
    ({ name }) => name,
    ({ message_stats }) => rateOf(message_stats, "publish") + rateOf(message_stats, "deliver_get"),
  ),
  rateColumn("publish", "Published", true),
  rateColumn("confirm", "Confirmed"),
  rateColumn("return_unroutable", "Returned"),
  rateColumn("drop_unroutable", "Dropped"),
  rateColumn("deliver_get", "Delivered", true),
  rateColumn("redeliver", "Redelivered"),
  rateColumn("ack", "Acked", true),
];

function number(id: string, title: string, field: Number, shown?: true | "small" | "wide"): Column<Channel> {
  return {
    id,
    title,
    width: 104,
    num: true,
    sort: field,
    fields: [field],
    ...(shown ? { shown } : {}),
    render: (row) => <Count value={row[field]} />,
  };
}

const nameOf = ({ name }: Channel) => name;

export default function Channels() {
  return (
    <div class="page">
      <div class="head">
        <h1>Channels</h1>
      </div>
      <Table
        kind="channels"
        where={clientsOf("channels")}
        columns={COLUMNS}
        always={["name"]}
        keyOf={nameOf}
        noun={["channel", "channels"]}
        empty={
          <Empty title="No channels are open">
            <p>A client opens channels on its connection to publish and to consume; they appear here when it does.</p>
          </Empty>
        }
      />
    </div>
  );
}
