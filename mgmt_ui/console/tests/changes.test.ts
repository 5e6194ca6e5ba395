import { expect, test } from "vitest";
import { told } from "../src/lib/changes";

test.each([
  ["queue.deleted", { vhost: "shop", name: "orders" }, "ann deleted queue “orders” in shop"],
  ["binding.created", { vhost: "/", source: "a", destination: "b", kind: "q" }, "ann made binding “a → b” in /"],
  ["permission.changed", { vhost: "/", target: "bob" }, "ann changed permission “bob” in /"],
  ["jobs.redrive", { vhost: "/", name: "dead" }, "ann sent back dead letters of “dead” in /"],
  ["jobs.cancel", { id: "7" }, "ann stopped work “7”"],
  ["pausing.pause", { vhost: "/", name: "orders" }, "ann paused queue “orders” in /"],
  ["cluster.put_name", {}, "ann renamed the cluster"],
])("%s is told in words", (event, names, text) => {
  expect(told({ at: 0, event, user: "ann", names: names as Record<string, string> })).toBe(text);
});
