// Whether the broker is well, in a sentence and in figures.
import { bytes, count, percent, rate, span } from "../../lib/format";
import { type Alarm, calm, findings, verdict } from "../../lib/health";
import { href } from "../../lib/router";
import { may } from "../../lib/session";
import { counter, type NodeInfo, type Overview, rateOf, type Vhost } from "../../lib/types";
import { Icon } from "../../ui/Icon";
import { Tile } from "../../ui/parts";

interface HealthProps {
  overview: Overview | undefined;
  node: NodeInfo | undefined;
  alarms: Alarm[] | undefined;
  vhosts: Vhost[] | undefined;
}

export function Health({ overview, node, alarms, vhosts }: HealthProps) {
  if (!overview) return <div class="health skeleton" />;
  const found = findings({ overview, node, alarms, vhosts, whole: may("monitoring") });
  const tone = found[0]?.tone ?? "good";
  return (
    <section class={`health ${tone}`} aria-label="Health" role={tone === "bad" ? "alert" : "status"}>
      <span class="sign">
        <Icon name={tone === "good" ? "check" : "alert"} />
      </span>
      <div>
        <h2>{verdict(found)}</h2>
        {found.length === 0 ? (
          <p class="soft">{calm(overview)}</p>
        ) : (
          <ul>
            {found.map(({ what, todo, where }) => (
              <li key={todo}>
                <b>{what}</b> {todo} {where && <a href={href(...where)}>Show</a>}
              </li>
            ))}
          </ul>
        )}
      </div>
    </section>
  );
}

export function Tiles({ overview, node }: { overview: Overview | undefined; node: NodeInfo | undefined }) {
  const totals = overview?.queue_totals;
  const stats = overview?.message_stats;
  const age = overview?.oldest_message_age;
  return (
    <div class="tiles eight">
      <Tile
        label="Ready"
        value={count(totals ? counter(totals, "messages_ready") : undefined)}
        note={growth(rateOf(totals, "messages_ready"))}
        href={href(["queues"], { sort: "-ready" })}
      />
      <Tile
        label="Unacknowledged"
        value={count(totals ? counter(totals, "messages_unacknowledged") : undefined)}
        note={growth(rateOf(totals, "messages_unacknowledged"))}
        href={href(["queues"], { sort: "-unacked" })}
      />
      <Tile
        label="Oldest message"
        value={age === null || age === undefined ? "none" : span(age * 1000)}
        note={age === null || age === undefined ? "nothing waits" : "in its queue"}
      />
      <Tile label="Published" value={rate(rateOf(stats, "publish"))} note={`${count(counter(stats, "publish"))} in all`} />
      <Tile label="Delivered" value={rate(rateOf(stats, "deliver_get"))} note={`${count(counter(stats, "deliver_get"))} in all`} />
      <Clients overview={overview} />
      {node && <Memory node={node} />}
      {node?.disk_free !== undefined && (
        <Tile
          label="Disk free"
          value={bytes(node.disk_free)}
          note={`alarm below ${bytes(node.disk_free_limit)}`}
          tone={node.disk_free_alarm ? "bad" : ""}
        />
      )}
    </div>
  );
}

function Clients({ overview }: { overview: Overview | undefined }) {
  const blocked = overview?.blocked_connections ?? 0;
  return (
    <Tile
      label="Connections"
      value={count(overview?.object_totals?.connections)}
      note={blocked > 0 ? `${count(blocked)} blocked` : `${count(overview?.object_totals?.channels)} channels, none blocked`}
      tone={blocked > 0 ? "warn" : ""}
      href={href(["connections"], { sort: blocked > 0 ? "state" : "" })}
    />
  );
}

function Memory({ node }: { node: NodeInfo }) {
  if (node.mem_used === undefined) return null;
  const share = node.mem_limit ? node.mem_used / node.mem_limit : undefined;
  return (
    <Tile
      label="Memory"
      value={bytes(node.mem_used)}
      note={share === undefined ? undefined : `${percent(share)} of ${bytes(node.mem_limit)}`}
      tone={node.mem_alarm ? "bad" : ""}
      {...(share === undefined ? {} : { share })}
    />
  );
}

function growth(perSecond: number): string {
  if (Math.abs(perSecond) < 0.05) return "steady";
  return perSecond > 0 ? `growing by ${rate(perSecond)}` : `shrinking by ${rate(-perSecond)}`;
}
