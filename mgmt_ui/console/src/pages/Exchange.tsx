// One exchange.
import { remove } from "../lib/api";
import { answered, asked, askFor, useQuestion } from "../lib/asked";
import { useHistory } from "../lib/history";
import { toJson } from "../lib/json";
import { useLive } from "../lib/live";
import { DEFAULT_EXCHANGE, exchangePath, topologyHref } from "../lib/paths";
import { useMay } from "../lib/rights";
import { go, href, place } from "../lib/router";
import { type Binding, type Exchange, rateOf } from "../lib/types";
import { rate } from "../lib/format";
import { explain } from "../lib/words";
import type { PageProps } from "../routes";
import { confirm, dismiss } from "../ui/Dialog";
import { Features } from "../ui/Features";
import { Icon } from "../ui/Icon";
import { Badge, Card, Empty, Facts, Menu, Problem } from "../ui/parts";
import { PolicyLink } from "../ui/PolicyLink";
import { complain, say } from "../ui/Toasts";
import { Publish } from "./forms/Publish";
import { Bindings } from "./parts/Bindings";
import { headersOfAddress, WhereTo } from "./parts/WhereTo";
import { RangeChoice, RateChart, useRange } from "./parts/RateCharts";

const groups = (exchange: Exchange) => [exchange.message_stats];

const TYPES: Record<string, string> = {
  direct: "A message goes to all queues that are bound with exactly its routing key.",
  fanout: "A message goes to all queues that are bound, whatever its routing key.",
  topic: "A message goes to all queues whose pattern fits its routing key: * is one word, # any number of words.",
  headers: "A message goes to all queues whose binding arguments fit its headers.",
  "x-consistent-hash": "A message goes to one queue, always the same for the same routing key; binding keys are weights.",
  "x-modulus-hash": "A message goes to one queue by a hash of its routing key.",
  "x-random": "A message goes to one of the bound queues, by chance.",
  "x-delayed-message": "A message waits for the milliseconds in its header x-delay, then goes on as by the type in x-delayed-type.",
  "x-recent-history": "A message goes to all bound queues; a new binding gets the latest ones first.",
};

export default function ExchangePage({ args }: PageProps) {
  const vhost = args.vhost ?? "/";
  const name = args.name === DEFAULT_EXCHANGE ? "" : (args.name ?? "");
  const where = exchangePath({ vhost, name });
  const { value: exchange, error } = useLive<Exchange>(where);
  const past = useHistory(where, useRange(), exchange, groups);
  const may = useMay();
  const publishable = exchange !== undefined && !exchange.internal && may("write", vhost, name || DEFAULT_EXCHANGE);
  const bindings = useLive<Binding[]>(`${where}/bindings/source`).value;
  const shown = name || "(default exchange)";
  if (error?.status === 404) {
    return (
      <Empty title={`There is no exchange “${name}”`}>
        <p>It was deleted, or it never was.</p>
        <a href={href(["exchanges"])}>To all exchanges</a>
      </Empty>
    );
  }
  if (error) return <Problem error={error} />;
  const own = Object.entries(exchange?.arguments ?? {});
  return (
    <div class="page">
      <div class="head">
        <nav class="crumbs" aria-label="Where this is">
          <a href={href(["exchanges"])}>Exchanges</a> <span aria-hidden="true">›</span> <span>in {vhost}</span>
        </nav>
        <h1>{shown}</h1>
        {exchange && <Badge>{exchange.type}</Badge>}
        {exchange && <Features of={exchange} />}
        <span class="grow" />
        <RangeChoice />
        {publishable && (
          <button type="button" class="button" onClick={() => askFor("publish")}>
            <Icon name="send" /> Publish
          </button>
        )}
        {name && (
          <a class="button" href={topologyHref("exchange", { vhost, name })} aria-label="In the topology">
            <Icon name="topology" /> <span class="wide-only">In the topology</span>
          </a>
        )}
        {name && !name.startsWith("amq.") && may("configure", vhost, name) && <Actions vhost={vhost} name={name} />}
      </div>
      <div class="cards">
        <RateChart
          title="Rates"
          past={past}
          lines={[
            ["publish_in", "In", 1, true],
            ["publish_out", "Out to queues", 2, true],
          ]}
        />
        <Card title="Details">
          <div class="stack">
            <p>{exchange && (TYPES[exchange.type] ?? `Type ${exchange.type}.`)}</p>
            <Facts
              of={[
                ["Virtual host", vhost],
                ["Life", exchange?.durable ? "durable: outlives a restart" : "transient: gone with a restart"],
                ["Deleted when unused", exchange?.auto_delete ? "yes" : "no"],
                ["Policy", <PolicyLink key="policy" name={exchange?.policy} />],
                ["In now", rate(rateOf(exchange?.message_stats, "publish_in"))],
                ["Out now", rate(rateOf(exchange?.message_stats, "publish_out"))],
                ...own.map(([key, value]) => [key, explain(key, value) ?? toJson(value)] as [string, string]),
              ]}
            />
          </div>
        </Card>
      </div>
      <div class="cards">
        {exchange && (
          <WhereTo
            vhost={vhost}
            name={name}
            type={exchange.type}
            version={bindings}
            {...(publishable ? { onPublish: () => askFor("publish") } : {})}
          />
        )}
        <Bindings of={{ vhost, name, kind: "exchange" }} direction="out" />
        {name && <Bindings of={{ vhost, name, kind: "exchange" }} direction="in" />}
      </div>
      {publishable && asked() === "publish" && (
        <Publish vhost={vhost} exchange={name} firstKey={place.value.query.key ?? ""} firstHeaders={headersOfAddress()} onClose={answered} />
      )}
    </div>
  );
}

function Actions({ vhost, name }: { vhost: string; name: string }) {
  const drop = async () => {
    const sure = await confirm({
      title: `Delete ${name}?`,
      text: "The exchange and all bindings from and to it are gone for good. Who publishes to it gets an error.",
      verb: "Delete the exchange",
      type: name,
    });
    if (!sure) return;
    try {
      await remove(exchangePath({ vhost, name }));
      say(`${name} is deleted.`);
      go(href(["exchanges"]));
    } catch (error) {
      complain(error);
    }
  };
  useQuestion("delete", true, drop, dismiss);
  return (
    <Menu kind="icon" title="More actions" label={<Icon name="more" />}>
      <button type="button" onClick={() => askFor("delete")}>
        <Icon name="trash" /> Delete…
      </button>
    </Menu>
  );
}
