// What is focused in the picture, in words: what comes to it, what it leads to.
import { rate } from "../../lib/format";
import type { Edge, Graph, Node } from "../../lib/graph";
import { line } from "../../lib/paint";
import { connectionHref, exchangeHref, queueHref } from "../../lib/paths";
import { Check } from "../../ui/Field";
import { Badge, IconButton } from "../../ui/parts";

const SHOW = 60;

/** The address of a node's page. */
export function pageOf(node: Node): string {
  if (node.kind === "queue") return queueHref(node);
  if (node.kind === "exchange") return exchangeHref(node);
  return connectionHref(node.id.slice(`consumer ${node.vhost} `.length));
}

interface Props {
  graph: Graph;
  node: Node;
  path: Set<string>;
  alone: boolean;
  onAlone: (alone: boolean) => void;
  onFocus: (id: string) => void;
}

export function NodePanel({ graph, node, path, alone, onAlone, onFocus }: Props) {
  const before = graph.edges.filter(({ to }) => to.id === node.id);
  const after = graph.edges.filter(({ from }) => from.id === node.id);
  return (
    <aside class="card node-panel" aria-label="What is focused">
      <div class="row" style={{ flexWrap: "nowrap" }}>
        <div style={{ flex: 1, minWidth: 0 }} role="status" aria-live="polite">
          <span class="faint">{node.kind}</span>
          <h2>
            <a href={pageOf(node)}>{node.name}</a>
          </h2>
          <span class="soft">{line(node)}</span>
          {node.warning && <Badge tone="warn">{node.warning}</Badge>}
        </div>
        <IconButton icon="close" label="Show all" onClick={() => onFocus("")} />
      </div>
      <Check label={`Only its path (${path.size})`} value={alone} onChange={onAlone} />
      <Ways title="Comes from" edges={before} end="from" none="nothing leads here" onFocus={onFocus} />
      <Ways title="Goes to" edges={after} end="to" none={NOWHERE[node.kind]} onFocus={onFocus} />
    </aside>
  );
}

const NOWHERE = { exchange: "nothing is bound to it", queue: "nobody consumes", consumer: "" };
const WAYS: Record<Edge["kind"], string> = {
  binding: "every key",
  consumer: "consumes",
  "dead-letter": "dead letters",
  alternate: "what is unroutable",
};

function wayOf({ kind, labels, rate: each }: Edge): string {
  const keys = kind === "binding" ? labels.filter(Boolean).map((key) => `“${key}”`).join(", ") : "";
  return (keys || WAYS[kind]) + (each > 0 ? ` · ${rate(each)}` : "");
}

interface WaysProps {
  title: string;
  edges: Edge[];
  end: "from" | "to";
  none: string;
  onFocus: (id: string) => void;
}

function Ways({ title, edges, end, none, onFocus }: WaysProps) {
  if (edges.length === 0 && !none) return null;
  return (
    <section>
      <h3>{title}</h3>
      {edges.length === 0 && <p class="faint">{none}</p>}
      <ul>
        {edges.slice(0, SHOW).map((edge) => (
          <li key={`${edge.kind} ${edge[end].id}`}>
            <button type="button" class="link" onClick={() => onFocus(edge[end].id)}>
              {edge[end].name}
            </button>
            <span class="faint">{wayOf(edge)}</span>
          </li>
        ))}
        {edges.length > SHOW && <li class="faint">and {edges.length - SHOW} more</li>}
      </ul>
    </section>
  );
}
