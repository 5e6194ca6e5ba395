import { describe, expect, it } from "vitest";
import { Past, samplesOf } from "../src/lib/history";
import { changesBetween } from "../src/lib/changes";
import { listPath, nextSorting, parseSorting, type Column } from "../src/ui/columns";
import { Events } from "../src/lib/sse";

describe("server-sent events", () => {
  it("are whole, however they were cut", () => {
    const text = 'event: state\ndata: {"a":1}\n\n: still here\n\nevent: bye\ndata: {}\n\n';
    for (let size = 1; size < text.length; size += 3) {
      const events = new Events();
      const found = [];
      for (let at = 0; at < text.length; at += size) found.push(...events.feed(text.slice(at, at + size)));
      expect(found).toEqual([
        { event: "state", data: '{"a":1}' },
        { event: "bye", data: "{}" },
      ]);
    }
  });
});

describe("the past", () => {
  it("makes rates of counters", () => {
    const past = new Past(60, 5);
    past.add(1000, { publish: 10 });
    past.add(3000, { publish: 30 });
    past.add(4000, { publish: 5 });
    expect(past.rate("publish")).toEqual([null, 10, 0]);
  });
  it("keeps one point for each step of long ranges, and the newest", () => {
    const past = new Past(3600, 60);
    for (let second = 0; second <= 130; second += 1) past.add(second * 1000, { n: second });
    expect(past.times.length).toBeLessThanOrEqual(5);
    expect(past.values.at(-1)).toEqual({ n: 130 });
  });
  it("forgets what is older than its range", () => {
    const past = new Past(60, 5);
    for (let second = 0; second < 300; second += 1) past.add(second * 1000, {});
    expect(past.times[0]).toBeGreaterThanOrEqual((299 - 70) * 1000);
  });
  it("puts the broker's samples before what came since", () => {
    const past = new Past(600, 5);
    past.add(20_000, { n: 2 });
    const samples = [
      { sample: 1, timestamp: 15_000 },
      { sample: 0, timestamp: 10_000 },
    ];
    past.load(samplesOf([{ n: 1, n_details: { rate: 0, samples } }]));
    expect(past.times).toEqual([10_000, 15_000, 20_000]);
    expect(past.gauge("n")).toEqual([0, 1, 2]);
  });
});

describe("changes", () => {
  it("are told in words", () => {
    const before = { churn_rates: { queue_created: 1 }, object_totals: { exchanges: 7 } };
    const now = { churn_rates: { queue_created: 3 }, object_totals: { exchanges: 6 } };
    expect(changesBetween(before, now, 5).map(({ text }) => text)).toEqual(["2 queues made", "1 exchange fewer"]);
  });
});

describe("lists", () => {
  const columns: Column<unknown>[] = [
    { id: "name", title: "Name", width: 0, sort: "name", fields: ["name"], render: () => null },
    { id: "total", title: "Total", width: 0, num: true, sort: "messages", fields: ["messages"], render: () => null },
  ];
  it("sort numbers from the largest, then the other way, then not", () => {
    const [, total] = columns as [Column<unknown>, Column<unknown>];
    expect(nextSorting(total, null)).toBe("-total");
    expect(nextSorting(total, parseSorting("-total"))).toBe("total");
    expect(nextSorting(total, parseSorting("total"))).toBe("");
  });
  it("ask for the columns that are shown", () => {
    const sorting = parseSorting("-total");
    const path = listPath({ where: "/queues", page: 2, search: "a b", regex: true, sorting, columns, shown: ["name"], always: ["vhost"] });
    expect(Object.fromEntries(new URLSearchParams(path.split("?")[1]))).toEqual({
      page: "2",
      page_size: "100",
      name: "a b",
      use_regex: "true",
      sort: "messages",
      sort_reverse: "true",
      columns: "vhost,name",
    });
  });
});
