import { expect, test } from "vitest";
import { calm, findings, verdict } from "../src/lib/health";
import type { Overview } from "../src/lib/types";

const well: Overview = { object_totals: { consumers: 2, queues: 1 }, queue_totals: { messages_ready: 5 }, oldest_message_age: 90 };

test("a broker without a fault is well", () => {
  expect(findings({ overview: well, alarms: [], vhosts: [{ name: "/", cluster_state: { a: "running" } }] })).toEqual([]);
  expect(verdict([])).toBe("Everything is well");
  expect(calm(well)).toContain("the oldest message has waited for 1 min 30 s; 2 consumers on 1 queue");
});

test("alarms come first, and say what to do", () => {
  const overview = { ...well, message_stats: { drop_unroutable_details: { rate: 3 } }, blocked_connections: 4 };
  const found = findings({ overview, alarms: [{ resource: "memory" }] });
  expect(found.map(({ tone }) => tone)).toEqual(["bad", "warn"]);
  expect(found[0]?.what).toBe("Publishers are held up: memory is low.");
  expect(verdict(found)).toBe("Something is wrong");
  const byHand = findings({ overview: well, alarms: [{ resource: "disk", by_hand: true }] });
  expect(byHand[0]?.todo).toContain("cleared");
});

test("blocked connections without an alarm are told", () => {
  expect(findings({ overview: { ...well, blocked_connections: 1 } })[0]?.what).toBe("1 connection may not publish for now.");
});

test("what is nearly used up is told before it is gone", () => {
  const node = { name: "n", mem_used: 90, mem_limit: 100, fd_used: 10, fd_total: 100, disk_free: 15, disk_free_limit: 10 };
  expect(findings({ overview: well, node }).map(({ what }) => what)).toEqual([
    "Memory: 90 B of 100 B in use (90%).",
    "The disk is nearly full: 15 B free, publishers wait below 10 B.",
  ]);
});

test("a queue that nobody reads and a virtual host that is down are told", () => {
  const overview = { ...well, object_totals: { consumers: 0 } };
  const vhosts = [{ name: "shop", cluster_state: { a: "stopped" } }];
  const found = findings({ overview, vhosts });
  expect(found.map(({ what }) => what)).toEqual(["1 virtual host is down: shop.", "5 messages wait, and nobody consumes."]);
  expect(findings({ overview, whole: false })).toEqual([]);
});
