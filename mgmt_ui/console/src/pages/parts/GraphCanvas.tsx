// The picture of a graph: drag to move, wheel or two fingers to come nearer, click to follow one
// path; by keyboard the arrows walk along the ways. What is focused is told beside it, in words.
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { theme } from "../../lib/prefs";
import type { Graph } from "../../lib/graph";
import { HEIGHT, type Layout, WIDTH } from "../../lib/layout";
import { type Colors, paint, type Scene, type View } from "../../lib/paint";
import { IconButton } from "../../ui/parts";

const NEAREST = 2.5;
const FARTHEST = 0.03;
const CLICK = 5;
const STEP = 1.25;
const SETTLE_MS = 120;
/** How much more than what is seen is painted, on each side. */
const MARGIN = 0.25;

const COLORS: Record<keyof Colors, string> = {
  surface: "--raised",
  sunken: "--page",
  text: "--text",
  soft: "--text-soft",
  line: "--border-strong",
  strong: "--chart-6",
  accent: "--accent",
  warn: "--warn",
  exchange: "--chart-4",
  queue: "--chart-1",
  consumer: "--chart-2",
  dead: "--bad",
};

interface Props {
  graph: Graph;
  layout: Layout;
  focus: string;
  path: Set<string>;
  found: Set<string>;
  onFocus: (id: string) => void;
  onOpen: (id: string) => void;
}

export function GraphCanvas(props: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const state = useRef<State | null>(null);
  state.current ??= { view: { x: 0, y: 0, scale: 1 }, colors: null, frame: 0, props, whole: true, picture: null, settled: 0 };
  const now = state.current;
  now.props = props;
  const redraw = () => schedule(canvas.current, now);

  useEffect(redraw);
  useLayoutEffect(() => {
    const element = canvas.current;
    if (!element) return;
    fit(element, now);
    redraw();
  }, [props.layout]);
  useEffect(() => {
    if (canvas.current && props.focus) show(canvas.current, now, props.focus);
    redraw();
  }, [props.focus, props.layout]);
  useEffect(() => {
    now.colors = null;
    redraw();
  }, [theme.value]);
  useEffect(() => {
    const element = canvas.current;
    if (!element) return;
    return listen(element, now, () => glide(element, now));
  }, []);

  const zoom = (by: number) => {
    const element = canvas.current;
    now.whole = false;
    if (element) scaleAt(now.view, by, element.clientWidth / 2, element.clientHeight / 2);
    redraw();
  };
  const all = () => {
    if (canvas.current) fit(canvas.current, now);
    redraw();
  };
  const pressed = (event: KeyboardEvent) => {
    const to = step(now.props, event.key);
    if (to) props.onFocus(to);
    else if (event.key === "Escape") props.onFocus("");
    else if (event.key === "Enter" && props.focus) props.onOpen(props.focus);
    else if (event.key === "+") zoom(STEP);
    else if (event.key === "-") zoom(1 / STEP);
    else if (event.key === "0") all();
    else return;
    event.preventDefault();
  };
  return (
    <div class="graph">
      <canvas
        ref={canvas}
        tabIndex={0}
        role="application"
        aria-label="Picture of exchanges, queues and consumers"
        aria-describedby="graph-keys"
        onKeyDown={pressed}
      />
      <p id="graph-keys" class="visually-hidden">
        Arrow keys walk along the ways from one to the next, Enter opens what is focused, Escape shows all, plus and minus come
        nearer and go away. The list says the same in words.
      </p>
      <div class="graph-tools">
        <IconButton kind="" icon="plus" label="Nearer" onClick={() => zoom(STEP)} />
        <IconButton kind="" icon="minus" label="Farther" onClick={() => zoom(1 / STEP)} />
        <IconButton kind="" icon="fit" label="All of it" onClick={all} />
      </div>
    </div>
  );
}

interface State {
  view: View;
  colors: Colors | null;
  frame: number;
  props: Props;
  /** All of the graph is in view, and nobody has moved it. */
  whole: boolean;
  /** What was painted last, with some more all around; null when it is not true any more. */
  picture: { canvas: HTMLCanvasElement; view: View } | null;
  /** The timer that paints anew once a movement has ended. */
  settled: number;
}

function schedule(element: HTMLCanvasElement | null, state: State): void {
  state.picture = null;
  if (element) animate(element, state);
}

function animate(element: HTMLCanvasElement, state: State): void {
  state.frame ||= requestAnimationFrame(() => {
    state.frame = 0;
    draw(element, state);
  });
}

/** While it moves the last picture is moved: painting thousands of nodes would not keep up. */
function glide(element: HTMLCanvasElement, state: State): void {
  state.whole = false;
  clearTimeout(state.settled);
  state.settled = window.setTimeout(() => schedule(element, state), SETTLE_MS);
  animate(element, state);
}

function draw(element: HTMLCanvasElement, state: State): void {
  const context = element.getContext("2d");
  const ratio = window.devicePixelRatio || 1;
  const [width, height] = [element.clientWidth, element.clientHeight];
  if (!context || width === 0) return;
  if (element.width !== Math.round(width * ratio) || element.height !== Math.round(height * ratio)) {
    element.width = Math.round(width * ratio);
    element.height = Math.round(height * ratio);
  }
  const { canvas, view } = (state.picture ??= painted(element, state, ratio));
  const by = state.view.scale / view.scale;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, element.width, element.height);
  const [x, y] = [(view.x - state.view.x) * state.view.scale * ratio, (view.y - state.view.y) * state.view.scale * ratio];
  context.drawImage(canvas, x, y, canvas.width * by, canvas.height * by);
}

function painted(element: HTMLElement, state: State, ratio: number): { canvas: HTMLCanvasElement; view: View } {
  const [width, height] = [element.clientWidth * (1 + 2 * MARGIN), element.clientHeight * (1 + 2 * MARGIN)];
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  state.colors ??= colorsOf(element);
  const { scale } = state.view;
  const view = {
    x: state.view.x - (element.clientWidth * MARGIN) / scale,
    y: state.view.y - (element.clientHeight * MARGIN) / scale,
    scale,
  };
  const { graph, layout, focus, path, found } = state.props;
  const scene: Scene = { graph, layout, focus, path, found, view, colors: state.colors };
  if (context) paint(context, width, height, ratio, scene);
  return { canvas, view };
}

// A canvas knows no custom properties: a style that uses one tells what it stands for now.
function colorsOf(element: HTMLElement): Colors {
  const read = (name: string) => {
    element.style.color = `var(${name})`;
    return getComputedStyle(element).color;
  };
  const colors = Object.fromEntries(Object.entries(COLORS).map(([key, name]) => [key, read(name)]));
  element.style.color = "";
  return colors as unknown as Colors;
}

/** All of the graph, or as near as is of use. */
function fit(element: HTMLElement, state: State): void {
  const { view, props: { layout } } = state;
  state.whole = true;
  const margin = 24;
  const [width, height] = [element.clientWidth, element.clientHeight];
  view.scale = Math.min(1.1, (width - 2 * margin) / layout.width, (height - 2 * margin) / layout.height);
  if (!(view.scale > 0) || !Number.isFinite(view.scale)) view.scale = 1;
  view.x = layout.width / 2 - width / view.scale / 2;
  view.y = layout.height / 2 - height / view.scale / 2;
}

/** Brings a node into view where it is not, near enough to be read. */
function show(element: HTMLElement, state: State, id: string): void {
  const { view, props: { layout } } = state;
  const at = layout.at.get(id);
  if (!at) return;
  const [width, height] = [element.clientWidth / view.scale, element.clientHeight / view.scale];
  const inside = at.x > view.x && at.y > view.y && at.x + WIDTH < view.x + width && at.y + HEIGHT < view.y + height;
  if (inside && view.scale >= 0.5) return;
  state.whole = false;
  view.scale = Math.max(view.scale, 0.8);
  view.x = at.x + WIDTH / 2 - element.clientWidth / view.scale / 2;
  view.y = at.y + HEIGHT / 2 - element.clientHeight / view.scale / 2;
}

function scaleAt(view: View, by: number, x: number, y: number): void {
  const scale = Math.min(NEAREST, Math.max(FARTHEST, view.scale * by));
  view.x += x / view.scale - x / scale;
  view.y += y / view.scale - y / scale;
  view.scale = scale;
}

function hit({ view, props: { graph, layout } }: State, x: number, y: number): string {
  const [left, top] = [view.x + x / view.scale, view.y + y / view.scale];
  const found = graph.nodes.find(({ id }) => {
    const at = layout.at.get(id);
    return at && left >= at.x && left <= at.x + WIDTH && top >= at.y && top <= at.y + HEIGHT;
  });
  return found?.id ?? "";
}

function listen(element: HTMLCanvasElement, state: State, moves: () => void): () => void {
  const fingers = new Map<number, { x: number; y: number }>();
  let moved = 0;
  const where = (event: MouseEvent) => {
    const box = element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const down = (event: PointerEvent) => {
    if (fingers.size === 0) moved = 0;
    fingers.set(event.pointerId, where(event));
    element.setPointerCapture(event.pointerId);
  };
  const move = (event: PointerEvent) => {
    const point = where(event);
    const last = fingers.get(event.pointerId);
    if (!last) {
      element.style.cursor = hit(state, point.x, point.y) ? "pointer" : "grab";
      return;
    }
    const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) pinch(state.view, last, point, other);
    else {
      state.view.x -= (point.x - last.x) / state.view.scale;
      state.view.y -= (point.y - last.y) / state.view.scale;
    }
    moved += Math.hypot(point.x - last.x, point.y - last.y);
    fingers.set(event.pointerId, point);
    moves();
  };
  const up = (event: PointerEvent) => {
    const point = fingers.get(event.pointerId);
    fingers.delete(event.pointerId);
    if (point && moved < CLICK && fingers.size === 0) state.props.onFocus(hit(state, point.x, point.y));
  };
  const cancel = (event: PointerEvent) => fingers.delete(event.pointerId);
  const wheel = (event: WheelEvent) => {
    event.preventDefault();
    const { x, y } = where(event);
    scaleAt(state.view, Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0015)), x, y);
    moves();
  };
  const twice = (event: MouseEvent) => {
    const { x, y } = where(event);
    const id = hit(state, x, y);
    if (id) state.props.onOpen(id);
  };
  const size = new ResizeObserver(() => {
    // All of it stays all of it in another frame, until somebody has chosen what to see.
    if (state.whole) fit(element, state);
    schedule(element, state);
  });
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const repaint = () => {
    state.colors = null;
    schedule(element, state);
  };
  const handlers = { pointerdown: down, pointermove: move, pointerup: up, pointercancel: cancel, wheel, dblclick: twice };
  for (const [name, handler] of Object.entries(handlers)) {
    element.addEventListener(name, handler as EventListener, { passive: false });
  }
  size.observe(element);
  dark.addEventListener("change", repaint);
  return () => {
    for (const [name, handler] of Object.entries(handlers)) element.removeEventListener(name, handler as EventListener);
    size.disconnect();
    dark.removeEventListener("change", repaint);
    clearTimeout(state.settled);
    cancelAnimationFrame(state.frame);
    state.frame = 0;
  };
}

interface Finger {
  x: number;
  y: number;
}

function pinch(view: View, last: Finger, now: Finger, other: Finger): void {
  const before = Math.hypot(last.x - other.x, last.y - other.y);
  const after = Math.hypot(now.x - other.x, now.y - other.y);
  if (before > 0) scaleAt(view, after / before, (now.x + other.x) / 2, (now.y + other.y) / 2);
}

/** Where an arrow key leads from what is focused; "" for nowhere. */
function step({ graph, layout, focus }: Props, key: string): string {
  if (!key.startsWith("Arrow")) return "";
  const at = layout.at.get(focus);
  if (!at) return graph.nodes[0]?.id ?? "";
  const near = (ids: string[]) =>
    ids.sort((one, other) => Math.abs((layout.at.get(one)?.y ?? 0) - at.y) - Math.abs((layout.at.get(other)?.y ?? 0) - at.y))[0] ?? "";
  if (key === "ArrowRight") return near(graph.edges.filter(({ from }) => from.id === focus).map(({ to }) => to.id));
  if (key === "ArrowLeft") return near(graph.edges.filter(({ to }) => to.id === focus).map(({ from }) => from.id));
  const sign = key === "ArrowDown" ? 1 : -1;
  const column = graph.nodes.filter(({ id }) => {
    const point = layout.at.get(id);
    return point && point.x === at.x && (point.y - at.y) * sign > 0;
  });
  return near(column.map(({ id }) => id));
}
