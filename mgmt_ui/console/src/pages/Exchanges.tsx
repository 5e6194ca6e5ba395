// All exchanges.
import { remove } from "../lib/api";
import { adding } from "../lib/asked";
import { DEFAULT_EXCHANGE, exchangeHref, exchangePath, listOf } from "../lib/paths";
import { chosenVhost } from "../lib/prefs";
import { type May, useMay, useMayMake } from "../lib/rights";
import { rateOf, type Exchange } from "../lib/types";
import { rateColumn, sparkColumn } from "../ui/cells";
import type { Column } from "../ui/columns";
import { confirmAll } from "../ui/Dialog";
import { Features } from "../ui/Features";
import { AddButton, Badge, Empty } from "../ui/parts";
import { Table } from "../ui/Table";
import type { BulkAction } from "../ui/TableTools";
import { AddExchange } from "./forms/AddExchange";

const keyOf = ({ vhost, name }: Exchange) => `exchange ${vhost} ${name}`;

const COLUMNS: Column<Exchange>[] = [
  {
    id: "name",
    title: "Name",
    width: 220,
    sort: "name",
    fields: ["name", "vhost"],
    shown: "small",
    render: (exchange) => <a href={exchangeHref(exchange)}>{exchange.name || "(default exchange)"}</a>,
  },
  { id: "vhost", title: "Virtual host", width: 120, sort: "vhost", fields: ["vhost"], render: ({ vhost }) => vhost },
  {
    id: "type",
    title: "Type",
    width: 150,
    sort: "type",
    fields: ["type"],
    shown: "small",
    render: ({ type }) => <Badge>{type}</Badge>,
  },
  {
    id: "features",
    title: "Features",
    width: 190,
    fields: ["durable", "auto_delete", "internal", "arguments", "policy"],
    shown: true,
    render: (exchange) => <Features of={exchange} />,
  },
  sparkColumn("Last minute", ["message_stats.publish_in_details.rate"], keyOf, (exchange) =>
    rateOf(exchange.message_stats, "publish_in"),
  ),
  rateColumn("publish_in", "In", true),
  rateColumn("publish_out", "Out", true),
];

const bulkOf = (may: May): BulkAction<Exchange>[] => [
  {
    label: "Delete",
    icon: "trash",
    danger: true,
    done: "deleted",
    ask: (rows) =>
      confirmAll(rows, {
        does: "Delete",
        noun: ["exchange"],
        text: "They and all bindings from and to them are gone for good. Who publishes to them gets an error.",
      }),
    may: ({ vhost, name }) => may("configure", vhost, name || DEFAULT_EXCHANGE),
    run: (row) => remove(exchangePath(row)),
  },
];

export default function Exchanges() {
  const may = useMay();
  const mayMake = useMayMake(chosenVhost.value);
  return (
    <div class="page">
      <div class="head">
        <h1>Exchanges</h1>
      </div>
      <Table
        kind="exchanges"
        where={listOf("exchanges")}
        columns={COLUMNS}
        always={["name", "vhost"]}
        keyOf={keyOf}
        bulk={bulkOf(may)}
        noun={["exchange", "exchanges"]}
        tools={mayMake && <AddButton>Add an exchange</AddButton>}
        empty={
          <Empty title="No exchanges that you may see">
            <p>An exchange passes messages on to queues. You need permissions in a virtual host to see its exchanges.</p>
          </Empty>
        }
      />
      {adding.open && mayMake && <AddExchange onClose={adding.end} />}
    </div>
  );
}
