// One connection.
import { path, remove } from "../lib/api";
import { askFor, useQuestion } from "../lib/asked";
import { bytes, count } from "../lib/format";
import { useHistory } from "../lib/history";
import { useLive } from "../lib/live";
import { channelHref } from "../lib/paths";
import { mayClose } from "../lib/rights";
import { go, href } from "../lib/router";
import { type Channel, type Connection, rateOf, type Stats } from "../lib/types";
import type { PageProps } from "../routes";
import { Count, Rate, StateOf } from "../ui/cells";
import { confirm, dismiss } from "../ui/Dialog";
import { Icon } from "../ui/Icon";
import { Badge, Card, Empty, Facts, Problem, When } from "../ui/parts";
import { StackedTable } from "../ui/StackedTable";
import { complain, say } from "../ui/Toasts";
import { RangeChoice, RateChart, useRange } from "./parts/RateCharts";

const groups = (connection: Connection) => [connection as unknown as Stats];

export default function ConnectionPage({ args }: PageProps) {
  const name = args.name ?? "";
  const where = path("connections", name);
  const { value: connection, error } = useLive<Connection>(where);
  const channels = useLive<Channel[]>(`${where}/channels`).value;
  const past = useHistory(where, useRange(), connection, groups);
  const closable = connection !== undefined && mayClose(connection.user);
  useQuestion("close", closable, () => close(name), dismiss);
  if (error?.status === 404) {
    return (
      <Empty title="This connection has ended">
        <p class="mono">{name}</p>
        <a href={href(["connections"])}>To all connections</a>
      </Empty>
    );
  }
  if (error) return <Problem error={error} />;
  return (
    <div class="page">
      <div class="head">
        <nav class="crumbs" aria-label="Where this is">
          <a href={href(["connections"])}>Connections</a> <span aria-hidden="true">›</span> <span>in {connection?.vhost}</span>
        </nav>
        <h1>{connection?.user_provided_name ?? name}</h1>
        {connection && <StateOf state={connection.state} />}
        <span class="grow" />
        <RangeChoice />
        {closable && (
          <button type="button" class="button danger" onClick={() => askFor("close")}>
            <Icon name="close" /> Close
          </button>
        )}
      </div>
      <div class="cards">
        <RateChart
          title="Data"
          past={past}
          octets
          lines={[
            ["recv_oct", "From the client", 1, true],
            ["send_oct", "To the client", 2, true],
          ]}
        />
        <Card title="Details">{connection && <Details connection={connection} />}</Card>
      </div>
      <Channels rows={channels} />
      {connection?.client_properties && (
        <Card title="What the client says of itself">
          <Facts
            of={Object.entries(connection.client_properties)
              .filter(([, value]) => typeof value !== "object")
              .map(([key, value]) => [key, String(value)])}
          />
          <Capabilities of={connection.client_properties.capabilities} />
        </Card>
      )}
    </div>
  );
}

function Details({ connection }: { connection: Connection }) {
  return (
    <Facts
      of={[
        ["Name", <code key="name">{connection.name}</code>],
        ["Virtual host", connection.vhost],
        ["User", connection.user],
        ["Connected", <When key="since" time={connection.connected_at} />],
        ["Protocol", `${connection.protocol ?? ""}, ${String(connection.auth_mechanism ?? "")}`],
        ["TLS", connection.ssl ? [connection.ssl_protocol, connection.ssl_cipher].join(" ") : "no"],
        ["Heartbeat", connection.timeout ? `${connection.timeout} s` : "off"],
        ["Largest frame", bytes(connection.frame_max)],
        ["Channels", `${count(connection.channels)} of ${count(connection.channel_max)}`],
        ["Received", bytes(connection.recv_oct)],
        ["Sent", bytes(connection.send_oct)],
      ]}
    />
  );
}

function Capabilities({ of }: { of: unknown }) {
  if (!of || typeof of !== "object") return null;
  return (
    <div class="row" style={{ marginTop: "12px", gap: "4px" }}>
      {Object.entries(of)
        .filter(([, value]) => value === true)
        .map(([name]) => (
          <Badge key={name}>{name}</Badge>
        ))}
    </div>
  );
}

function Channels({ rows }: { rows: Channel[] | undefined }) {
  return (
    <Card flush title="Channels">
      {!rows?.length ? (
        <p class="soft" style={{ padding: "14px" }}>
          It has opened no channel.
        </p>
      ) : (
        <StackedTable
          label="Channels"
          parts={[
            { title: "Channel" },
            { title: "State" },
            { title: "Prefetch", num: true },
            { title: "Unacked", num: true },
            { title: "Published", num: true },
            { title: "Delivered", num: true },
          ]}
          rows={rows.map((each) => ({
            key: String(each.number),
            cells: [
              <span key="name">
                <a href={channelHref(each.name)}>{each.number}</a> {each.confirm && <Badge>confirms</Badge>}
              </span>,
              <StateOf key="state" state={each.state} />,
              each.prefetch_count || "no limit",
              <Count key="unacked" value={each.messages_unacknowledged} />,
              <Rate key="in" value={rateOf(each.message_stats, "publish")} />,
              <Rate key="out" value={rateOf(each.message_stats, "deliver_get")} />,
            ],
          }))}
        />
      )}
    </Card>
  );
}

async function close(name: string): Promise<void> {
  const sure = await confirm({
    title: "Close this connection?",
    text: "Its unacknowledged messages go back to the queues. Most clients connect again by themselves.",
    verb: "Close the connection",
  });
  if (!sure) return;
  try {
    await remove(path("connections", name), { "x-reason": "Closed in the console" });
    say("The connection is closed.");
    go(href(["connections"]));
  } catch (error) {
    complain(error);
  }
}
