// Where the nodes of a graph stand: from left to right along the ways, what belongs together side
// by side, with few crossings. Pure, and quick for thousands: layers, then order, then heights.
import type { Graph, Node } from "./graph";

export const WIDTH = 216;
export const HEIGHT = 40;
const ROW = HEIGHT + 12;
const COLUMN = WIDTH + 110;
const INNER = WIDTH + 24;
const APART = 40;
const MAX_ROWS = 24;
const SWEEPS = 6;

export interface Point {
  x: number;
  y: number;
}

export interface Layout {
  /** The upper left corner of each node, by id. */
  at: Map<string, Point>;
  width: number;
  height: number;
}

type Neighbours = Map<string, string[]>;

interface Joined {
  before: Neighbours;
  after: Neighbours;
}

export function layOut(graph: Graph): Layout {
  const joined = neighbours(graph);
  const blocks = components(graph.nodes, joined).map((nodes) => block(nodes, joined));
  return pack(blocks);
}

// Dead letters and what is unroutable go back: they do not say what stands left of what.
function neighbours({ nodes, edges }: Graph): Joined {
  const joined = { before: new Map<string, string[]>(), after: new Map<string, string[]>() };
  for (const { id } of nodes) {
    joined.before.set(id, []);
    joined.after.set(id, []);
  }
  for (const { from, to, kind } of edges) {
    if ((kind !== "binding" && kind !== "consumer") || from === to) continue;
    joined.after.get(from.id)?.push(to.id);
    joined.before.get(to.id)?.push(from.id);
  }
  return joined;
}

function components(nodes: Node[], { before, after }: Joined): Node[][] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const seen = new Set<string>();
  const found: Node[][] = [];
  for (const { id } of nodes) {
    if (seen.has(id)) continue;
    const part: Node[] = [];
    const waiting = [id];
    seen.add(id);
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      const node = byId.get(at);
      if (node) part.push(node);
      for (const other of [...(before.get(at) ?? []), ...(after.get(at) ?? [])]) {
        if (!seen.has(other)) waiting.push(other);
        seen.add(other);
      }
    }
    found.push(part);
  }
  return found.sort((one, other) => other.length - one.length);
}

/** Exchanges as deep as the longest way to them, then queues, then consumers. */
function layersOf(nodes: Node[], { after }: Joined): string[][] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const depth = new Map<string, number>();
  const open = new Set<string>();
  // From the far end: how many exchanges follow. A circle is cut where it is met again.
  const following = (id: string): number => {
    const known = depth.get(id);
    if (known !== undefined || open.has(id)) return known ?? 0;
    open.add(id);
    const next = (after.get(id) ?? []).filter((other) => byId.get(other)?.kind === "exchange");
    const most = next.reduce((deepest, other) => Math.max(deepest, following(other) + 1), 0);
    open.delete(id);
    depth.set(id, most);
    return most;
  };
  const exchanges = nodes.filter(({ kind }) => kind === "exchange");
  const deepest = exchanges.reduce((most, { id }) => Math.max(most, following(id)), 0);
  const layers: string[][] = Array.from({ length: deepest + 3 }, () => []);
  for (const { id, kind } of [...nodes].sort(byName)) {
    const layer = kind === "exchange" ? deepest - following(id) : kind === "queue" ? deepest + 1 : deepest + 2;
    layers[layer]?.push(id);
  }
  return layers.filter((layer) => layer.length > 0);
}

function byName(one: Node, other: Node): number {
  return one.name < other.name ? -1 : one.name > other.name ? 1 : 0;
}

/** Sorts each layer by where its neighbours stand, there and back. */
function order(layers: string[][], { before, after }: Joined): void {
  const rank = new Map<string, number>();
  const number = (layer: string[]) => layer.forEach((id, i) => rank.set(id, i / Math.max(1, layer.length - 1)));
  layers.forEach(number);
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const forward = sweep % 2 === 0;
    for (const layer of forward ? layers : [...layers].reverse()) {
      const middle = new Map(layer.map((id) => [id, mean((forward ? before : after).get(id), rank) ?? rank.get(id) ?? 0]));
      layer.sort((one, other) => (middle.get(one) ?? 0) - (middle.get(other) ?? 0));
      number(layer);
    }
  }
}

function mean(ids: string[] | undefined, of: Map<string, number>): number | undefined {
  if (!ids?.length) return undefined;
  return ids.reduce((sum, id) => sum + (of.get(id) ?? 0), 0) / ids.length;
}

function block(nodes: Node[], joined: Joined): Layout {
  const layers = layersOf(nodes, joined);
  order(layers, joined);
  const at = new Map<string, Point>();
  let x = 0;
  const tall: string[][] = [];
  for (const layer of layers) {
    // A long layer is broken into columns, so that the whole keeps a shape that fits a screen.
    const rows = Math.max(MAX_ROWS, Math.ceil(Math.sqrt((layer.length * INNER) / ROW)));
    layer.forEach((id, i) => at.set(id, { x: x + Math.floor(i / rows) * INNER, y: (i % rows) * ROW }));
    if (layer.length <= rows) tall.push(layer);
    x += (Math.ceil(layer.length / rows) - 1) * INNER + COLUMN;
  }
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const forward = sweep % 2 === 1;
    for (const layer of forward ? tall : [...tall].reverse()) settle(layer, forward ? joined.before : joined.after, at);
  }
  return bounded(at);
}

/** Moves a layer's nodes towards the middle of their neighbours, in order and apart. */
function settle(layer: string[], neighbours: Neighbours, at: Map<string, Point>): void {
  const wanted = layer.map((id) => {
    const others = (neighbours.get(id) ?? []).map((other) => at.get(other)?.y ?? 0);
    return others.length ? others.reduce((sum, y) => sum + y, 0) / others.length : (at.get(id)?.y ?? 0);
  });
  let last = Number.NEGATIVE_INFINITY;
  const placed = wanted.map((y) => (last = Math.max(y, last + ROW)));
  // Pushing moved all of them down: half of that is taken back.
  const drift = placed.reduce((sum, y, i) => sum + y - (wanted[i] ?? 0), 0) / Math.max(1, placed.length);
  layer.forEach((id, i) => {
    const point = at.get(id);
    if (point) point.y = (placed[i] ?? 0) - drift;
  });
}

function bounded(at: Map<string, Point>): Layout {
  const points = [...at.values()];
  const top = points.reduce((least, { y }) => Math.min(least, y), Number.POSITIVE_INFINITY);
  for (const point of points) point.y -= top;
  return {
    at,
    width: points.reduce((most, { x }) => Math.max(most, x), 0) + WIDTH,
    height: points.reduce((most, { y }) => Math.max(most, y), 0) + HEIGHT,
  };
}

/** The largest first, in shelves about as wide as all of it is high. */
function pack(blocks: Layout[]): Layout {
  const area = blocks.reduce((sum, { width, height }) => sum + (width + APART) * (height + APART), 0);
  const room = Math.max(Math.sqrt(area * 1.7), blocks[0]?.width ?? 0);
  const at = new Map<string, Point>();
  let [x, y, shelf, width] = [0, 0, 0, 0];
  for (const each of blocks) {
    if (x > 0 && x + each.width > room) [x, y, shelf] = [0, y + shelf + APART, 0];
    for (const [id, point] of each.at) at.set(id, { x: x + point.x, y: y + point.y });
    x += each.width + APART;
    shelf = Math.max(shelf, each.height);
    width = Math.max(width, x - APART);
  }
  return { at, width, height: y + shelf };
}
