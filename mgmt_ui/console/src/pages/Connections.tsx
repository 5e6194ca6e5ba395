// All connections.
import { remove, path } from "../lib/api";
import { byteRate, bytes } from "../lib/format";
import { clientsOf, connectionHref } from "../lib/paths";
import { mayClose } from "../lib/rights";
import type { Connection } from "../lib/types";
import { Count, sparkColumn, StateOf } from "../ui/cells";
import type { Column } from "../ui/columns";
import { confirmAll } from "../ui/Dialog";
import { FirstPublish } from "../ui/FirstPublish";
import { Ago, Badge, Empty } from "../ui/parts";
import { Table } from "../ui/Table";
import type { BulkAction } from "../ui/TableTools";

const COLUMNS: Column<Connection>[] = [
  {
    id: "name",
    title: "Name",
    width: 230,
    sort: "user_provided_name",
    fields: ["name", "user_provided_name", "peer_host", "peer_port"],
    shown: "small",
    render: ({ name, user_provided_name: given, peer_host, peer_port }) => (
      <a href={connectionHref(name)} title={name}>
        {given ?? `${peer_host}:${peer_port}`}
        {given && <span class="faint"> {`${peer_host}:${peer_port}`}</span>}
      </a>
    ),
  },
  { id: "vhost", title: "Virtual host", width: 110, sort: "vhost", fields: ["vhost"], shown: "wide", render: ({ vhost }) => vhost },
  { id: "user", title: "User", width: 100, sort: "user", fields: ["user"], shown: true, render: ({ user }) => user },
  { id: "state", title: "State", width: 100, sort: "state", fields: ["state"], shown: "small", render: ({ state }) => <StateOf state={state} /> },
  {
    id: "client",
    title: "Client",
    width: 190,
    fields: ["client_properties.product", "client_properties.version"],
    shown: "wide",
    render: ({ client_properties: client }) =>
      [client?.product, client?.version].filter((each) => typeof each === "string").join(" "),
  },
  {
    id: "protocol",
    title: "Protocol",
    width: 140,
    sort: "protocol",
    fields: ["protocol", "ssl"],
    render: ({ protocol, ssl }) => (
      <>
        {protocol} {ssl && <Badge tone="good">TLS</Badge>}
      </>
    ),
  },
  {
    id: "channels",
    title: "Channels",
    width: 88,
    num: true,
    sort: "channels",
    fields: ["channels"],
    shown: true,
    render: ({ channels }) => <Count value={channels} />,
  },
  sparkColumn(
    "Last minute",
    ["recv_oct_details.rate", "send_oct_details.rate"],
    ({ name }) => name,
    (row) => (row.recv_oct_details?.rate ?? 0) + (row.send_oct_details?.rate ?? 0),
  ),
  data("in", "From client", "recv_oct_details"),
  data("out", "To client", "send_oct_details"),
  {
    id: "received",
    title: "Received",
    width: 96,
    num: true,
    sort: "recv_oct",
    fields: ["recv_oct"],
    render: ({ recv_oct }) => bytes(recv_oct),
  },
  { id: "sent", title: "Sent", width: 96, num: true, sort: "send_oct", fields: ["send_oct"], render: ({ send_oct }) => bytes(send_oct) },
  { id: "heartbeat", title: "Heartbeat", width: 92, num: true, sort: "timeout", fields: ["timeout"], render: ({ timeout }) => `${timeout ?? 0} s` },
  {
    id: "since",
    title: "Connected",
    width: 124,
    sort: "connected_at",
    fields: ["connected_at"],
    shown: true,
    render: ({ connected_at }) => <Ago time={connected_at} />,
  },
];

function data(id: string, title: string, field: "recv_oct_details" | "send_oct_details"): Column<Connection> {
  return {
    id,
    title,
    width: 104,
    num: true,
    sort: `${field}.rate`,
    fields: [`${field}.rate`],
    shown: true,
    render: (row) => byteRate(row[field]?.rate),
  };
}

const nameOf = ({ name }: Connection) => name;

const BULK: BulkAction<Connection>[] = [
  {
    label: "Close",
    icon: "close",
    danger: true,
    done: "closed",
    ask: (rows) =>
      confirmAll(rows, {
        does: "Close",
        noun: ["connection"],
        text: "Their unacknowledged messages go back to the queues. Most clients connect again by themselves.",
      }),
    may: ({ user }) => mayClose(user),
    run: ({ name }) => remove(path("connections", name), { "x-reason": "Closed in the console" }),
  },
];

export default function Connections() {
  return (
    <div class="page">
      <div class="head">
        <h1>Connections</h1>
      </div>
      <Table
        kind="connections"
        where={clientsOf("connections")}
        columns={COLUMNS}
        always={["name", "user"]}
        keyOf={nameOf}
        bulk={BULK}
        noun={["connection", "connections"]}
        empty={
          <Empty title="Nobody is connected">
            <p>Clients appear here as soon as they connect. For instance:</p>
            <FirstPublish />
          </Empty>
        }
      />
    </div>
  );
}
