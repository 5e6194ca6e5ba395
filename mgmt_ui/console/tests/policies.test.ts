import { describe, expect, it } from "vitest";
import { type Candidate, judge, meant, type Policy } from "../src/lib/policies";

const policy = (more: Partial<Policy>): Policy => ({
  vhost: "/",
  name: "mine",
  pattern: "",
  "apply-to": "all",
  definition: {},
  priority: 0,
  ...more,
});
const candidate = (more: Partial<Candidate>): Candidate => ({ kind: "queue", name: "orders", type: "classic", policy: null, ...more });

describe("policies", () => {
  it("are for the kinds they name", () => {
    const exchange = candidate({ kind: "exchange", type: "topic" });
    expect(meant(policy({ "apply-to": "queues" }), exchange)).toBe(false);
    expect(meant(policy({ "apply-to": "all" }), exchange)).toBe(true);
    expect(meant(policy({ "apply-to": "quorum_queues" }), candidate({}))).toBe(false);
    expect(meant(policy({ "apply-to": "streams" }), candidate({ type: "stream" }))).toBe(true);
  });
  it("are not for queues that do not know one of their keys", () => {
    const ages = policy({ definition: { "max-age": "7D", "max-length-bytes": 1 } });
    expect(meant(ages, candidate({}))).toBe(false);
    expect(meant(ages, candidate({ type: "stream" }))).toBe(true);
  });
  it("tell the case of names apart, which the broker's search does not", () => {
    const found = [candidate({ name: "Orders" }), candidate({ name: "orders" })];
    expect(judge(policy({ pattern: "^o" }), found, []).map((each) => each.candidate.name)).toEqual(["orders"]);
  });
  it("leave to the broker what JavaScript cannot read", () => {
    expect(judge(policy({ pattern: "(?i)ORD" }), [candidate({})], [])).toHaveLength(1);
  });
  it("win by priority, then by name", () => {
    const others = [policy({ name: "high", priority: 9 }), policy({ name: "zero" }), policy({ name: "a" })];
    const under = (name: string | null) => judge(policy({}), [candidate({ policy: name })], others)[0]?.outcome;
    expect([under("high"), under("zero"), under("a"), under("mine"), under(null)]).toEqual([
      "loses",
      "replaces",
      "loses",
      "stays",
      "new",
    ]);
  });
});
