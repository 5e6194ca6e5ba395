// Who is bound to what, as a graph: exchanges, queues, consumers, and the ways between them. Pure.
import { type Binding, type Connection, type Consumer, type Exchange, type Queue, rateOf } from "./types";

export type Kind = "exchange" | "queue" | "consumer";

export interface Node {
  /** Unlike all others, and the same from one look to the next. */
  id: string;
  kind: Kind;
  name: string;
  vhost: string;
  /** The type of an exchange or a queue; the user of a consumer. */
  type: string;
  /** Messages a second that come, and that go. */
  in: number;
  out: number;
  /** Ready messages of a queue, consumers of a client. */
  count: number;
  /** What is not well with it, in words. */
  warning: string;
}

export interface Edge {
  from: Node;
  to: Node;
  kind: "binding" | "consumer" | "dead-letter" | "alternate";
  /** Routing keys, consumer tags. */
  labels: string[];
  /** Messages a second, as far as one can tell. */
  rate: number;
}

export interface Graph {
  nodes: Node[];
  edges: Edge[];
}

export interface Parts {
  exchanges: Exchange[];
  queues: Queue[];
  bindings: Binding[];
  consumers: Consumer[];
  connections: Connection[];
}

export const idOf = (kind: Kind, vhost: string, name: string) => `${kind} ${vhost} ${name}`;

/** The graph of what there is. `unused`: with exchanges that nothing leads to or from. */
export function build(parts: Parts, unused = false): Graph {
  const nodes = new Map<string, Node>();
  const edges = new Map<string, Edge>();
  for (const each of parts.exchanges) put(nodes, exchangeNode(each));
  for (const each of parts.queues) put(nodes, queueNode(each));
  const join = (kind: Edge["kind"], from: string, to: string, label: string) => {
    const [source, target] = [nodes.get(from), nodes.get(to)];
    if (!source || !target) return;
    const key = `${kind} ${from} ${to}`;
    const edge = edges.get(key) ?? { from: source, to: target, kind, labels: [], rate: rateFor(kind, source, target) };
    if (label && !edge.labels.includes(label)) edge.labels.push(label);
    edges.set(key, edge);
  };
  for (const { vhost, source, destination, destination_type: type, routing_key: key } of parts.bindings) {
    if (source) join("binding", idOf("exchange", vhost, source), idOf(type, vhost, destination), key);
  }
  joinClients(parts, nodes, join);
  for (const { vhost, name, ...queue } of parts.queues) {
    const target = textOf(queue.arguments?.["x-dead-letter-exchange"] ?? queue.effective_policy_definition?.["dead-letter-exchange"]);
    if (target) join("dead-letter", idOf("queue", vhost, name), idOf("exchange", vhost, target), "dead letters");
  }
  for (const { vhost, name, ...exchange } of parts.exchanges) {
    const target = textOf(exchange.arguments?.["alternate-exchange"]);
    if (target) join("alternate", idOf("exchange", vhost, name), idOf("exchange", vhost, target), "unroutable");
  }
  return finish([...nodes.values()], [...edges.values()], unused);
}

type Join = (kind: Edge["kind"], from: string, to: string, label: string) => void;

/** One node a connection: its consumers on many queues are one program. */
function joinClients({ consumers, connections }: Parts, nodes: Map<string, Node>, join: Join): void {
  const names = new Map(connections.map((each) => [each.name, each.user_provided_name]));
  for (const { queue, channel_details: channel, consumer_tag: tag } of consumers) {
    const id = idOf("consumer", queue.vhost, channel.connection_name);
    const node = nodes.get(id);
    if (node) node.count += 1;
    else {
      const name = names.get(channel.connection_name) || channel.connection_name;
      const plain = { in: 0, out: 0, count: 1, warning: "" };
      put(nodes, { id, kind: "consumer", name, vhost: queue.vhost, type: channel.user, ...plain });
    }
    join("consumer", idOf("queue", queue.vhost, queue.name), id, tag);
  }
}

function put(nodes: Map<string, Node>, node: Node): void {
  nodes.set(node.id, node);
}

function exchangeNode({ name, vhost, type, message_stats: stats }: Exchange): Node {
  const id = idOf("exchange", vhost, name);
  return { id, kind: "exchange", name, vhost, type, in: rateOf(stats, "publish_in"), out: rateOf(stats, "publish_out"), count: 0, warning: "" };
}

function queueNode({ name, vhost, type, messages_ready: ready = 0, consumers = 0, message_stats: stats }: Queue): Node {
  const id = idOf("queue", vhost, name);
  const warning = ready > 0 && consumers === 0 && type !== "stream" ? "nobody consumes" : "";
  return { id, kind: "queue", name, vhost, type, in: rateOf(stats, "publish"), out: rateOf(stats, "deliver_get"), count: ready, warning };
}

function rateFor(kind: Edge["kind"], from: Node, to: Node): number {
  if (kind === "consumer") return from.out;
  if (kind === "binding") return from.kind === "exchange" ? Math.min(to.in, from.in || to.in) : to.in;
  return 0;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function finish(nodes: Node[], edges: Edge[], unused: boolean): Graph {
  const joined = new Set(edges.flatMap(({ from, to }) => [from.id, to.id]));
  const leading = new Set(edges.filter(({ kind }) => kind !== "dead-letter").map(({ from }) => from.id));
  const kept = nodes.filter(({ kind, id, name, in: came }) => {
    // All queues are bound to the default exchange: it says nothing here.
    if (kind !== "exchange") return true;
    return name !== "" && (unused || joined.has(id) || came > 0);
  });
  for (const node of kept) {
    if (node.kind === "exchange" && node.in > 0 && !leading.has(node.id)) node.warning = "leads nowhere";
  }
  return { nodes: kept, edges };
}

/** All that leads to a node and all that it leads to, itself included; by id. */
export function pathThrough({ edges }: Graph, id: string): Set<string> {
  const found = new Set([id]);
  for (const [near, far] of [["from", "to"], ["to", "from"]] as const) {
    const next = new Map<string, string[]>();
    for (const edge of edges) {
      const others = next.get(edge[near].id);
      if (others) others.push(edge[far].id);
      else next.set(edge[near].id, [edge[far].id]);
    }
    const waiting = [id];
    const seen = new Set(waiting);
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      for (const other of next.get(at) ?? []) {
        if (!seen.has(other)) waiting.push(other);
        seen.add(other);
      }
    }
    for (const each of seen) found.add(each);
  }
  return found;
}

/** Nothing but these nodes, and the ways between them. */
export function only({ nodes, edges }: Graph, ids: Set<string>): Graph {
  return {
    nodes: nodes.filter(({ id }) => ids.has(id)),
    edges: edges.filter(({ from, to }) => ids.has(from.id) && ids.has(to.id)),
  };
}

/** Equal for graphs of one shape, whatever their rates. */
export function shapeOf({ nodes, edges }: Graph): string {
  return `${nodes.map(({ id }) => id).join("\n")}\n\n${edges.map(({ from, to, kind }) => `${from.id}\t${to.id}\t${kind}`).join("\n")}`;
}
