// How a graph looks on a canvas. Only what is in view is drawn; far away without words.
import type { Edge, Graph, Node } from "./graph";
import { rate, short } from "./format";
import { HEIGHT, type Layout, type Point, WIDTH } from "./layout";

export interface View {
  /** What of the graph is in the upper left corner, and pixels a unit. */
  x: number;
  y: number;
  scale: number;
}

export interface Colors {
  surface: string;
  sunken: string;
  text: string;
  soft: string;
  line: string;
  strong: string;
  accent: string;
  warn: string;
  exchange: string;
  queue: string;
  consumer: string;
  dead: string;
}

export interface Scene {
  graph: Graph;
  layout: Layout;
  view: View;
  colors: Colors;
  /** What is focused, and what belongs to it; empty for all. */
  focus: string;
  path: Set<string>;
  /** What the search finds. */
  found: Set<string>;
}

const WORDS_FROM = 0.42;
const LABELS_FROM = 0.75;
const FEW_EDGES = 120;
const FADED = 0.16;
const FONT = "system-ui, sans-serif";

export function paint(context: CanvasRenderingContext2D, width: number, height: number, ratio: number, scene: Scene): void {
  const { view, graph } = scene;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.setTransform(ratio * view.scale, 0, 0, ratio * view.scale, -view.x * view.scale * ratio, -view.y * view.scale * ratio);
  const seen = { left: view.x, top: view.y, right: view.x + width / view.scale, bottom: view.y + height / view.scale };
  for (const edge of graph.edges) paintEdge(context, edge, scene, seen);
  for (const node of graph.nodes) paintNode(context, node, scene, seen);
  context.globalAlpha = 1;
}

interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

function away(seen: Box, one: Point, other: Point, margin: number): boolean {
  return (
    Math.max(one.x, other.x) + margin < seen.left ||
    Math.min(one.x, other.x) - margin > seen.right ||
    Math.max(one.y, other.y) + margin < seen.top ||
    Math.min(one.y, other.y) - margin > seen.bottom
  );
}

function paintEdge(context: CanvasRenderingContext2D, edge: Edge, scene: Scene, seen: Box): void {
  const [source, target] = [scene.layout.at.get(edge.from.id), scene.layout.at.get(edge.to.id)];
  if (!source || !target) return;
  const start = { x: source.x + WIDTH, y: source.y + HEIGHT / 2 };
  const end = { x: target.x, y: target.y + HEIGHT / 2 };
  const bend = end.x > start.x ? Math.max(30, (end.x - start.x) / 2) : 90;
  if (away(seen, start, end, bend)) return;
  const lit = scene.path.size === 0 || (scene.path.has(edge.from.id) && scene.path.has(edge.to.id));
  const { colors } = scene;
  const back = edge.kind === "dead-letter" || edge.kind === "alternate";
  context.globalAlpha = lit ? 1 : FADED;
  context.strokeStyle = back ? colors.dead : scene.path.size > 0 && lit ? colors.accent : colors.strong;
  context.lineWidth = 1.1 + Math.min(4, Math.log10(1 + edge.rate) * 1.3);
  context.setLineDash(back ? [5, 4] : []);
  const dip = end.x > start.x ? 0 : HEIGHT * 1.6;
  context.beginPath();
  context.moveTo(start.x, start.y);
  // Far away a curve is no more than a line, and three times as much work.
  if (scene.view.scale < WORDS_FROM) context.lineTo(end.x, end.y);
  else context.bezierCurveTo(start.x + bend, start.y + dip, end.x - bend, end.y + dip, end.x - 6, end.y);
  context.stroke();
  context.setLineDash([]);
  if (scene.view.scale < WORDS_FROM) return;
  context.fillStyle = context.strokeStyle;
  context.beginPath();
  context.moveTo(end.x, end.y);
  context.lineTo(end.x - 8, end.y - 4);
  context.lineTo(end.x - 8, end.y + 4);
  context.fill();
  const few = scene.graph.edges.length <= FEW_EDGES || scene.path.size > 0;
  if (lit && few && scene.view.scale >= LABELS_FROM && edge.kind !== "consumer") label(context, edge, start, end, dip, colors);
}

function label(context: CanvasRenderingContext2D, { labels }: Edge, start: Point, end: Point, dip: number, colors: Colors): void {
  const text = cut(context, labels.length > 2 ? `${labels.length} keys` : labels.join(", "), 96, `11px ${FONT}`);
  if (!text) return;
  const x = (start.x + end.x) / 2;
  const y = (start.y + end.y) / 2 + dip * 0.75;
  const width = context.measureText(text).width + 8;
  context.fillStyle = colors.sunken;
  context.fillRect(x - width / 2, y - 8, width, 16);
  context.fillStyle = colors.soft;
  context.textAlign = "center";
  context.fillText(text, x, y + 4);
  context.textAlign = "left";
}

function paintNode(context: CanvasRenderingContext2D, node: Node, scene: Scene, seen: Box): void {
  const at = scene.layout.at.get(node.id);
  if (!at || away(seen, at, { x: at.x + WIDTH, y: at.y + HEIGHT }, 4)) return;
  const { colors } = scene;
  const focused = node.id === scene.focus;
  context.globalAlpha = scene.path.size === 0 || scene.path.has(node.id) ? 1 : FADED;
  context.beginPath();
  context.roundRect(at.x, at.y, WIDTH, HEIGHT, node.kind === "exchange" ? HEIGHT / 2 : 6);
  const far = scene.view.scale < WORDS_FROM;
  context.fillStyle = far ? colors[node.kind] : colors.surface;
  context.fill();
  context.lineWidth = (focused || scene.found.has(node.id) ? 2.5 : 1.2) / Math.min(1, scene.view.scale * 2);
  context.strokeStyle = focused || scene.found.has(node.id) ? colors.accent : node.warning ? colors.warn : colors.line;
  context.stroke();
  if (far) return;
  sign(context, node, at, colors);
  context.fillStyle = colors.text;
  context.fillText(cut(context, node.name, WIDTH - 52, `600 12.5px ${FONT}`), at.x + 40, at.y + 17);
  context.fillStyle = node.warning ? colors.warn : colors.soft;
  context.fillText(cut(context, `${node.warning ? "⚠ " : ""}${brief(node)}`, WIDTH - 52, `11px ${FONT}`), at.x + 40, at.y + 32);
}

/** What stands below the name: how much there is, and how much comes and goes. */
export function line(node: Node): string {
  if (node.kind === "exchange") return `${node.type} · ${rate(node.in)} in`;
  if (node.kind === "consumer") return `${node.type} · ${node.count === 1 ? "1 consumer" : `${short(node.count)} consumers`}`;
  return `${short(node.count)} ready · ${rate(node.in)} in · ${rate(node.out)} out`;
}

// The same with fewer digits, as there is room for in a box.
function brief(node: Node): string {
  const each = (value: number) => `${short(Math.abs(value) < 10 ? Number(value.toFixed(1)) : Math.round(value))}/s`;
  return node.kind === "queue" ? `${short(node.count)} ready · ${each(node.in)} in · ${each(node.out)} out` : line(node);
}

// Each kind has its own sign, so that colour is not all that tells them apart.
function sign(context: CanvasRenderingContext2D, { kind }: Node, at: Point, colors: Colors): void {
  const [x, y] = [at.x + 22, at.y + HEIGHT / 2];
  context.strokeStyle = colors[kind];
  context.fillStyle = colors[kind];
  context.lineWidth = 2;
  context.beginPath();
  if (kind === "exchange") {
    context.moveTo(x - 8, y - 4);
    context.lineTo(x + 8, y - 4);
    context.lineTo(x + 3, y - 8);
    context.moveTo(x + 8, y + 4);
    context.lineTo(x - 8, y + 4);
    context.lineTo(x - 3, y + 8);
    context.stroke();
  } else if (kind === "queue") {
    for (const step of [-6, 0, 6]) context.fillRect(x - 8, y + step - 1.5, step === 6 ? 10 : 16, 3);
  } else {
    context.arc(x, y - 4, 4, 0, Math.PI * 2);
    context.moveTo(x - 8, y + 9);
    context.arc(x, y + 9, 8, Math.PI, 0);
    context.stroke();
  }
}

const texts = new Map<string, string>();
const MANY_TEXTS = 20_000;

/** The text with its end cut off where it is too wide; sets the font. */
function cut(context: CanvasRenderingContext2D, text: string, width: number, font: string): string {
  context.font = font;
  const key = `${font}${width} ${text}`;
  const known = texts.get(key);
  if (known !== undefined) return known;
  let fitting = text;
  if (context.measureText(text).width > width) {
    let [low, high] = [0, text.length];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (context.measureText(`${text.slice(0, middle)}…`).width <= width) low = middle;
      else high = middle - 1;
    }
    fitting = `${text.slice(0, low)}…`;
  }
  if (texts.size > MANY_TEXTS) texts.clear();
  texts.set(key, fitting);
  return fitting;
}
