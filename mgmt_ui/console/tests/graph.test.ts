import { describe, expect, it } from "vitest";
import { build, type Graph, idOf, only, type Parts, pathThrough, shapeOf } from "../src/lib/graph";
import { HEIGHT, layOut, WIDTH } from "../src/lib/layout";
import type { Binding, Consumer, Exchange, Queue } from "../src/lib/types";

const exchange = (name: string, more: Partial<Exchange> = {}) =>
  ({ name, vhost: "/", type: "topic", arguments: {}, ...more }) as Exchange;
const queue = (name: string, more: Partial<Queue> = {}) => ({ name, vhost: "/", type: "classic", arguments: {}, ...more }) as Queue;
const binding = (source: string, destination: string, key = "", type: "queue" | "exchange" = "queue") =>
  ({ source, vhost: "/", destination, destination_type: type, routing_key: key }) as Binding;
const consumer = (name: string, connection: string, tag: string) =>
  ({ queue: { name, vhost: "/" }, consumer_tag: tag, channel_details: { connection_name: connection, user: "u" } }) as Consumer;

const shop: Parts = {
  exchanges: [exchange(""), exchange("amq.topic"), exchange("events"), exchange("dlx"), exchange("in")],
  queues: [
    queue("orders", { arguments: { "x-dead-letter-exchange": "dlx" }, consumers: 2, messages_ready: 1 }),
    queue("mails", { messages_ready: 3 }),
    queue("dead"),
  ],
  bindings: [
    binding("", "orders", "orders"),
    binding("in", "events", "#", "exchange"),
    binding("events", "orders", "order.new"),
    binding("events", "orders", "order.paid"),
    binding("events", "mails", "#.mail"),
    binding("dlx", "dead"),
  ],
  consumers: [consumer("orders", "c1", "a"), consumer("orders", "c1", "b"), consumer("gone", "c2", "c")],
  connections: [],
};
const names = ({ nodes }: Graph) => nodes.map(({ name }) => name).sort();

describe("the graph", () => {
  it("has what is used, ways with all their keys, and one node a client", () => {
    const graph = build(shop);
    expect(names(graph)).toEqual(["c1", "c2", "dead", "dlx", "events", "in", "mails", "orders"]);
    const way = graph.edges.find(({ from, to }) => from.name === "events" && to.name === "orders");
    expect(way?.labels).toEqual(["order.new", "order.paid"]);
    expect(graph.nodes.find(({ name }) => name === "c1")?.count).toBe(2);
    expect(names(build(shop, true))).toContain("amq.topic");
  });
  it("says where nobody consumes, and shows where dead letters go", () => {
    const graph = build(shop);
    expect(graph.nodes.filter(({ warning }) => warning).map(({ name }) => name)).toEqual(["mails"]);
    expect(graph.edges.filter(({ kind }) => kind === "dead-letter").map(({ to }) => to.name)).toEqual(["dlx"]);
  });
  it("follows one path both ways, and no other", () => {
    const graph = build(shop);
    const path = only(graph, pathThrough(graph, idOf("queue", "/", "mails")));
    expect(names(path)).toEqual(["events", "in", "mails"]);
    expect(names(only(graph, pathThrough(graph, idOf("queue", "/", "dead"))))).toEqual(["dead", "dlx", "events", "in", "orders"]);
  });
  it("has the same shape whatever the rates", () => {
    const busy = { ...shop, queues: shop.queues.map((each) => ({ ...each, messages_ready: 9 })) };
    expect(shapeOf(build(busy))).toBe(shapeOf(build(shop)));
  });
});

describe("the layout", () => {
  const apart = (graph: Graph) => {
    const { at, width, height } = layOut(graph);
    const points = [...at.values()].sort((one, other) => one.x - other.x || one.y - other.y);
    expect(points).toHaveLength(graph.nodes.length);
    points.forEach((point, i) => {
      const next = points[i + 1];
      if (next && next.x === point.x) expect(next.y - point.y).toBeGreaterThanOrEqual(HEIGHT);
      expect(point.x >= 0 && point.y >= -0.001 && point.x + WIDTH <= width && point.y + HEIGHT <= height + 0.001).toBe(true);
    });
    return at;
  };
  it("goes from left to right, and nothing lies on anything", () => {
    const at = apart(build(shop));
    const x = (kind: "exchange" | "queue" | "consumer", name: string) => at.get(idOf(kind, "/", name))?.x ?? Number.NaN;
    expect(x("exchange", "in")).toBeLessThan(x("exchange", "events"));
    expect(x("exchange", "events")).toBeLessThan(x("queue", "orders"));
    expect(x("queue", "orders")).toBeLessThan(x("consumer", "c1"));
  });
  it("ends where exchanges are bound in a circle", () => {
    const bindings = [binding("a", "b", "", "exchange"), binding("b", "a", "", "exchange"), binding("a", "a", "", "exchange")];
    apart(build({ ...shop, exchanges: [exchange("a"), exchange("b")], bindings }));
  });
  it("gives thousands of nodes a shape that fits a screen, quickly", () => {
    const queues = Array.from({ length: 2000 }, (_, i) => queue(`q${i}`));
    const bindings = queues.map(({ name }) => binding("events", name, name));
    const graph = build({ ...shop, queues, bindings });
    const began = performance.now();
    const { width, height } = layOut(graph);
    expect(performance.now() - began).toBeLessThan(1000);
    expect(width / height).toBeGreaterThan(0.4);
    expect(width / height).toBeLessThan(2.5);
    apart(graph);
  });
});
