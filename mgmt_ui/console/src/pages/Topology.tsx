// The way of messages as a picture: exchanges, what is bound to them, and who consumes.
import { useMemo, useRef } from "preact/hooks";
import { plural, rate } from "../lib/format";
import { build, type Graph, only, pathThrough, shapeOf } from "../lib/graph";
import { layOut, type Layout } from "../lib/layout";
import { useLive } from "../lib/live";
import { clientsOf, listOf } from "../lib/paths";
import { path as apiPath } from "../lib/api";
import { chosenVhost } from "../lib/prefs";
import { go, place, setQuery } from "../lib/router";
import type { Binding, Connection, Consumer, Exchange, Queue } from "../lib/types";
import { Check } from "../ui/Field";
import { FirstPublish } from "../ui/FirstPublish";
import { Icon } from "../ui/Icon";
import { Empty, Problem, Segments } from "../ui/parts";
import { StackedTable } from "../ui/StackedTable";
import "../styles/admin.css";
import "../styles/topology.css";
import { GraphCanvas } from "./parts/GraphCanvas";
import { NodePanel, pageOf } from "./parts/NodePanel";

const RATE = (name: string) => `message_stats.${name}_details.rate`;
const COLUMNS = {
  exchanges: ["name", "vhost", "type", "arguments.alternate-exchange", RATE("publish_in"), RATE("publish_out")],
  queues: [
    ...["name", "vhost", "type", "messages_ready", "consumers", "arguments.x-dead-letter-exchange"],
    ...["effective_policy_definition.dead-letter-exchange", RATE("publish"), RATE("deliver_get")],
  ],
  bindings: ["source", "vhost", "destination", "destination_type", "routing_key"],
  consumers: ["queue", "consumer_tag", "channel_details.connection_name", "channel_details.user"],
  connections: ["name", "user_provided_name"],
};

function asked(where: string, kind: keyof typeof COLUMNS): string {
  return `${where}?columns=${COLUMNS[kind].join(",")}`;
}

function useParts() {
  const all = {
    exchanges: useLive<Exchange[]>(asked(listOf("exchanges"), "exchanges")),
    queues: useLive<Queue[]>(asked(listOf("queues"), "queues")),
    bindings: useLive<Binding[]>(asked(chosenVhost.value ? apiPath("bindings", chosenVhost.value) : "/bindings", "bindings")),
    consumers: useLive<Consumer[]>(asked(listOf("consumers"), "consumers")),
    connections: useLive<Connection[]>(asked(clientsOf("connections"), "connections")),
  };
  const error = Object.values(all).find((each) => each.error)?.error;
  const { exchanges, queues, bindings, consumers, connections } = all;
  const parts =
    exchanges.value && queues.value && bindings.value
      ? {
          exchanges: exchanges.value,
          queues: queues.value,
          bindings: bindings.value,
          consumers: consumers.value ?? [],
          connections: connections.value ?? [],
        }
      : null;
  return { parts, error };
}

/** A new layout for a new shape only: nothing moves because a rate has changed. */
function useLayout(graph: Graph): Layout {
  const known = useRef<{ shape: string; layout: Layout } | null>(null);
  const shape = shapeOf(graph);
  if (known.current?.shape !== shape) known.current = { shape, layout: layOut(graph) };
  return known.current.layout;
}

const NOTHING: Graph = { nodes: [], edges: [] };

export default function Topology() {
  const { parts, error } = useParts();
  const { at: focus = "", q: search = "", only: alone = "", unused = "", view = "" } = place.value.query;
  const whole = parts ? build(parts, unused === "1") : NOTHING;
  const node = whole.nodes.find(({ id }) => id === focus);
  const path = node ? pathThrough(whole, focus) : new Set<string>();
  const graph = node && alone ? only(whole, path) : whole;
  const layout = useLayout(graph);
  const found = useMemo(() => matching(graph, search), [shapeOf(graph), search]);
  const setFocus = (id: string) => setQuery({ at: id, ...(id ? {} : { only: "" }) });
  if (error) {
    return (
      <div class="page">
        <h1>Topology</h1>
        <Problem error={error} />
        <p class="soft">Where there is too much for one picture, choose a virtual host above.</p>
      </div>
    );
  }
  const next = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || found.length === 0) return;
    setFocus(found[(found.indexOf(focus) + 1) % found.length] ?? "");
  };
  return (
    <div class="page">
      <div class="head">
        <h1>Topology</h1>
        <span class="soft" role="status">
          {parts && counts(graph)}
          {parts && search && `; ${found.length} found`}
        </span>
        <span class="grow" />
        <div class="search">
          <Icon name="search" />
          <input
            class="input"
            type="search"
            data-search
            aria-label="Search the picture by name; Enter goes from one to the next"
            placeholder="Search, Enter for the next"
            value={search}
            onInput={(event) => setQuery({ q: event.currentTarget.value })}
            onKeyDown={next}
          />
        </div>
        <Check label="Unused exchanges" value={unused === "1"} onChange={(on) => setQuery({ unused: on ? "1" : "" })} />
        <Segments
          label="Show as"
          options={[["", "Picture"], ["list", "List"]] as const}
          value={view === "list" ? "list" : ""}
          onChange={(next) => setQuery({ view: next })}
        />
      </div>
      {parts && whole.nodes.length === 0 ? (
        <div class="card">
          <Empty title="Nothing is here yet">
            <p>Exchanges, queues and consumers show here as soon as clients make them.</p>
            <FirstPublish vhost={chosenVhost.value || "/"} />
          </Empty>
        </div>
      ) : (
        <div class={`topology ${node ? "with-panel" : ""}`}>
          {view === "list" ? (
            <Ways graph={graph} found={search ? new Set(found) : null} onFocus={setFocus} />
          ) : (
            <GraphCanvas
              graph={graph}
              layout={layout}
              focus={focus}
              path={path}
              found={new Set(found)}
              onFocus={setFocus}
              onOpen={(id) => {
                const opened = graph.nodes.find((each) => each.id === id);
                if (opened) go(pageOf(opened));
              }}
            />
          )}
          {node && (
            <NodePanel
              graph={whole}
              node={node}
              path={path}
              alone={alone === "1"}
              onAlone={(on) => setQuery({ only: on ? "1" : "" })}
              onFocus={setFocus}
            />
          )}
        </div>
      )}
    </div>
  );
}

function matching({ nodes }: Graph, search: string): string[] {
  const wanted = search.toLowerCase();
  return wanted ? nodes.filter(({ name }) => name.toLowerCase().includes(wanted)).map(({ id }) => id) : [];
}

function counts({ nodes }: Graph): string {
  const many = (kind: string) => nodes.filter((node) => node.kind === kind).length;
  return [plural(many("exchange"), "exchange"), plural(many("queue"), "queue"), plural(many("consumer"), "client")].join(", ");
}

const SHOW = 500;

/** The same in words. */
function Ways({ graph, found, onFocus }: { graph: Graph; found: Set<string> | null; onFocus: (id: string) => void }) {
  const edges = found ? graph.edges.filter(({ from, to }) => found.has(from.id) || found.has(to.id)) : graph.edges;
  return (
    <div class="card" role="region" aria-label="List of ways">
      <StackedTable
        label="Ways"
        parts={[{ title: "From" }, { title: "To" }, { title: "By" }, { title: "Rate", num: true }]}
        rows={edges.slice(0, SHOW).map(({ from, to, kind, labels, rate: each }) => ({
          key: `${kind} ${from.id} ${to.id}`,
          cells: [
            ...[from, to].map((node) => (
              <span key={node.id}>
                <button type="button" class="link" onClick={() => onFocus(node.id)}>
                  {node.name}
                </button>{" "}
                <span class="faint">{node.kind}</span>
              </span>
            )),
            kind === "consumer" ? "consuming" : <code key="by">{labels.join(", ") || "every key"}</code>,
            each > 0 ? rate(each) : "–",
          ],
        }))}
      />
      {edges.length > SHOW && <p class="soft body">{`and ${edges.length - SHOW} more; search for a name.`}</p>}
    </div>
  );
}
