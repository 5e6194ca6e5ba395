// One node: how it is, where its memory is, what it speaks, and alarms that are set by hand.
import { path, put, remove } from "../lib/api";
import { askFor, useQuestion } from "../lib/asked";
import { bytes, percent } from "../lib/format";
import type { Alarm } from "../lib/health";
import { forgetHistory, useHistory } from "../lib/history";
import { refresh, useLive } from "../lib/live";
import { href } from "../lib/router";
import { isAdministrator } from "../lib/session";
import type { NodeInfo, Overview, Stats } from "../lib/types";
import type { PageProps } from "../routes";
import { Chart } from "../ui/Chart";
import { confirm, dismiss } from "../ui/Dialog";
import { Icon } from "../ui/Icon";
import { Badge, Card, Empty, Facts, Meter, Problem, State } from "../ui/parts";
import { complain, say } from "../ui/Toasts";
import { Listeners, NodeCard } from "./parts/NodeCard";
import { RangeChoice, RateChart, useRange } from "./parts/RateCharts";
import "../styles/admin.css";
import "../styles/overview.css";

const groups = (node: NodeInfo) => [node as unknown as Stats];

export default function NodePage({ args }: PageProps) {
  const name = args.name ?? "";
  const where = path("nodes", name);
  const { value: node, error } = useLive<NodeInfo>(where);
  const overview = useLive<Overview>("/overview").value;
  const range = useRange();
  const past = useHistory(where, range, node, groups);
  useQuestion("reset", isAdministrator.value && node !== undefined, () => reset(name), dismiss);
  if (error?.status === 404) {
    return (
      <Empty title={`There is no node “${name}”`}>
        <a href={href([])}>To the overview</a>
      </Empty>
    );
  }
  if (error) return <Problem error={error} />;
  return (
    <div class="page">
      <div class="head">
        <h1>{name}</h1>
        {node && <State tone={node.running === false ? "bad" : "good"}>{node.running === false ? "Stopped" : "Running"}</State>}
        <span class="grow" />
        <RangeChoice />
        {isAdministrator.value && (
          <button type="button" class="button" title="Begin the charts and rates anew" onClick={() => askFor("reset")}>
            <Icon name="refresh" /> Reset statistics
          </button>
        )}
      </div>
      <div class="cards">
        <Card title="Memory in use">
          <Chart
            title="Memory in use"
            times={past.times}
            age={range.age}
            unit="octets"
            format={bytes}
            series={[{ label: "Memory", color: 1, values: past.gauge("mem_used") }]}
          />
        </Card>
        <RateChart title="Disk writes" past={past} octets lines={[["io_write_bytes", "Written", 2, true]]} />
      </div>
      <div class="cards">
        {node && <NodeCard node={node} overview={overview} />}
        <div class="column">
          <MemoryParts name={name} />
          <Alarms />
        </div>
        <Listeners overview={overview} />
        {node && <Abilities node={node} />}
      </div>
    </div>
  );
}

async function reset(name: string): Promise<void> {
  const sure = await confirm({
    title: "Reset the statistics?",
    text: "The past of all charts and rates is forgotten and begins anew, for everybody. Counters, queues and messages stay as they are.",
    verb: "Reset",
  });
  if (!sure) return;
  try {
    await remove(path("reset", name));
    forgetHistory();
    say("The statistics begin anew.");
  } catch (error) {
    complain(error);
  }
}

interface Parts {
  memory: Record<string, number> & { total: { rss: number } };
}

const CALLED: Record<string, string> = {
  other_proc: "Broker, queues and connections",
  binary: "Bodies of messages",
  code: "Code",
};

function MemoryParts({ name }: { name: string }) {
  const memory = useLive<Parts>(path("nodes", name, "memory")).value?.memory;
  const total = memory?.total?.rss ?? 0;
  const parts = Object.entries(memory ?? {})
    .filter((entry): entry is [string, number] => typeof entry[1] === "number" && entry[1] > 0)
    .sort(([, a], [, b]) => b - a);
  return (
    <Card title="Where memory is">
      {memory && parts.length === 0 && <p class="soft">This system does not tell.</p>}
      <ul class="shares">
        {parts.map(([part, size]) => (
          <li key={part}>
            <span>{CALLED[part] ?? part.replaceAll("_", " ")}</span>
            <span class="num">
              {bytes(size)} <span class="faint">{total ? percent(size / total) : ""}</span>
            </span>
            <Meter share={total ? size / total : 0} warnAt={2} badAt={2} />
          </li>
        ))}
      </ul>
    </Card>
  );
}

const RESOURCES = ["memory", "disk"];

/** Which alarms are on; an administrator sets and clears them for maintenance. */
function Alarms() {
  const alarms = useLive<Alarm[]>("/alarms").value ?? [];
  const change = async (resource: string, set: boolean) => {
    const sure = !set || (await confirm({
      title: `Set an alarm for ${resource}?`,
      text: "All publishers are held up, as if it were low, until the alarm is cleared here or the broker stops.",
      verb: "Hold up publishers",
    }));
    if (!sure) return;
    try {
      await (set ? put(path("alarms", resource), {}) : remove(path("alarms", resource)));
      say(set ? `Publishers are held up: alarm for ${resource}.` : `The alarm for ${resource} is cleared.`);
    } catch (error) {
      complain(error);
    }
    refresh();
  };
  return (
    <Card title="Alarms">
      <Facts
        of={RESOURCES.map((resource) => {
          const alarm = alarms.find((each) => each.resource === resource);
          return [
            resource === "memory" ? "Memory" : "Disk",
            <span class="row" key={resource}>
              <State tone={alarm ? "bad" : "good"}>{alarm ? (alarm.by_hand ? "Set by hand" : "Low") : "Enough"}</State>
              {isAdministrator.value && (!alarm || alarm.by_hand) && (
                <button
                  type="button"
                  class="button small"
                  aria-label={`${alarm ? "Clear" : "Set"} the alarm for ${resource}`}
                  onClick={() => change(resource, !alarm)}
                >
                  <Icon name={alarm ? "play" : "pause"} /> {alarm ? "Clear" : "Set…"}
                </button>
              )}
            </span>,
          ];
        })}
      />
    </Card>
  );
}

type Named = { name: string; description?: string }[];

function Abilities({ node }: { node: NodeInfo }) {
  const list = (given: unknown) => (
    <span class="row" style={{ gap: "4px" }}>
      {((given as Named | undefined) ?? []).map(({ name, description }) => (
        <Badge key={name} {...(description ? { title: description } : {})}>
          {name}
        </Badge>
      ))}
    </span>
  );
  return (
    <Card title="What it can do">
      <Facts
        of={[
          ["Exchange types", list(node.exchange_types)],
          ["Sign-in mechanisms", list(node.auth_mechanisms)],
          ["Data in", <code key="db">{String(node.db_dir ?? "–")}</code>],
          ["Log", <code key="log">{((node.log_files as string[] | undefined) ?? []).join(", ") || "–"}</code>],
          ["Settings from", <code key="from">{((node.config_files as string[] | undefined) ?? []).join(", ") || "flags and defaults"}</code>],
        ]}
      />
    </Card>
  );
}
