// All virtual hosts that the viewer may know of.
import { path, remove } from "../lib/api";
import { adding } from "../lib/asked";
import { byteRate } from "../lib/format";
import { href } from "../lib/router";
import { isAdministrator } from "../lib/session";
import type { Vhost } from "../lib/types";
import { Count, rateColumn } from "../ui/cells";
import type { Column } from "../ui/columns";
import { confirmAll } from "../ui/Dialog";
import { AddButton, Badge, Empty, State } from "../ui/parts";
import { Table } from "../ui/Table";
import type { BulkAction } from "../ui/TableTools";
import { EditVhost } from "./forms/EditVhost";
import "../styles/admin.css";

const keyOf = ({ name }: Vhost) => name;

/** Up as far as its node says; a virtual host that is down says so in words. */
export function StateOfVhost({ vhost }: { vhost: Vhost }) {
  const states = Object.values(vhost.cluster_state ?? {});
  const down = states.some((each) => each !== "running");
  return <State tone={down ? "bad" : "good"}>{down ? "stopped" : "running"}</State>;
}

const COLUMNS: Column<Vhost>[] = [
  {
    id: "name",
    title: "Name",
    width: 180,
    sort: "name",
    fields: ["name"],
    shown: "small",
    render: ({ name }) => <a href={href(["vhosts", name])}>{name}</a>,
  },
  {
    id: "description",
    title: "Description",
    width: 220,
    fields: ["description"],
    shown: true,
    render: ({ description }) => description || <span class="faint">–</span>,
  },
  { id: "tags", title: "Tags", width: 130, fields: ["tags"], shown: "wide", render: ({ tags }) => tags?.join(", ") },
  {
    id: "state",
    title: "State",
    width: 110,
    fields: ["cluster_state"],
    shown: "small",
    render: (vhost) => <StateOfVhost vhost={vhost} />,
  },
  {
    id: "signs",
    title: "Settings",
    width: 150,
    fields: ["protected_from_deletion", "tracing", "default_queue_type"],
    shown: "wide",
    render: (vhost) => (
      <span class="row" style={{ gap: "4px", flexWrap: "nowrap" }}>
        <Badge title="Type of queues that do not name theirs">{vhost.default_queue_type ?? "classic"}</Badge>
        {vhost.protected_from_deletion && <Badge tone="info">protected</Badge>}
        {vhost.tracing && <Badge tone="warn">traced</Badge>}
      </span>
    ),
  },
  number("ready", "Ready", "messages_ready", true),
  number("unacked", "Unacked", "messages_unacknowledged", true),
  rateColumn("publish", "In", true),
  rateColumn("deliver_get", "Out", true),
  octets("recv", "From clients", "recv_oct_details"),
  octets("send", "To clients", "send_oct_details"),
];

function number(id: string, title: string, field: "messages_ready" | "messages_unacknowledged", shown: true): Column<Vhost> {
  return { id, title, width: 92, num: true, sort: field, fields: [field], shown, render: (vhost) => <Count value={vhost[field]} /> };
}

function octets(id: string, title: string, field: "recv_oct_details" | "send_oct_details"): Column<Vhost> {
  return { id, title, width: 110, num: true, fields: [field], render: (vhost) => byteRate(vhost[field]?.rate) };
}

const BULK: BulkAction<Vhost>[] = [
  {
    label: "Delete",
    icon: "trash",
    danger: true,
    done: "deleted",
    ask: (rows) =>
      confirmAll(rows, {
        does: "Delete",
        noun: ["virtual host"],
        text: "All queues in them with all messages, their exchanges, policies and permissions are gone for good.",
        one: rows[0]?.name,
      }),
    run: ({ name }) => remove(path("vhosts", name)),
  },
];

export default function Vhosts() {
  return (
    <div class="page">
      <div class="head">
        <h1>Virtual hosts</h1>
      </div>
      <Table
        kind="vhosts"
        where="/vhosts"
        columns={COLUMNS}
        always={["name"]}
        keyOf={keyOf}
        {...(isAdministrator.value ? { bulk: BULK } : {})}
        noun={["virtual host", "virtual hosts"]}
        tools={isAdministrator.value && <AddButton>Add a virtual host</AddButton>}
        empty={
          <Empty title="No virtual hosts for you">
            <p>An administrator has to give you permissions in one.</p>
          </Empty>
        }
      />
      {adding.open && <EditVhost onClose={adding.end} />}
    </div>
  );
}
