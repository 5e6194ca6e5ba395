import { expect, test } from "vitest";
import { type Routing, storyOf, wayOf } from "../src/lib/routing";

const queue = (name: string) => ({ name, type: "classic", durable: true, paused: false, full: false });
const answer = (names: string[], path: Routing["path"] = []): Routing => ({
  routed: names.length > 0,
  delay: 0,
  queues: names.map(queue),
  path,
});

test("a message that goes nowhere is said to be lost", () => {
  expect(storyOf(answer([]))).toContain("To no queue");
});

test("the alternate exchange is named", () => {
  const to = { destination: "rest", destination_type: "exchange" as const, bindings: null };
  const step = { exchange: "events", type: "topic", alternate: true, destinations: [to] };
  expect(storyOf(answer(["a", "b"], [step]))).toBe("To 2 queues by the alternate exchange rest.");
});

test("a way is told by its bindings", () => {
  const step = { exchange: "events", type: "topic", alternate: false, destinations: [] };
  const to = (bindings: { routing_key: string; arguments: object }[] | null) =>
    wayOf(step, { destination: "a", destination_type: "queue", bindings: bindings as never });
  expect(to([{ routing_key: "a.*", arguments: {} }, { routing_key: "#", arguments: {} }])).toBe("by “a.*”, by “#”");
  expect(to([{ routing_key: "", arguments: { tenant: "t1" } }])).toBe('by {"tenant":"t1"}');
  expect(to([{ routing_key: "", arguments: {} }])).toBe("by “”");
  expect(to(null)).toBe("as the exchange chooses");
});
