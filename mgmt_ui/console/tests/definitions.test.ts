import { describe, expect, it } from "vitest";
import { difference, faultOf, stable } from "../src/lib/definitions";

const present = {
  users: [{ name: "guest", password_hash: "a", tags: ["administrator"], limits: {} }],
  policies: [{ vhost: "/", name: "p", pattern: "^a", "apply-to": "all", definition: { "max-length": 1 }, priority: 0 }],
  queues: [{ vhost: "/", name: "q", durable: true, auto_delete: false, arguments: {} }],
  bindings: [{ vhost: "/", source: "e", destination: "q", destination_type: "queue", routing_key: "k", arguments: {} }],
};

describe("what an import would change", () => {
  it("is nothing for what was exported", () => {
    for (const section of difference(present, structuredClone(present))) expect(section.changes).toEqual([]);
  });
  it("names what is new and what changes, with both values", () => {
    const [section] = difference(present, {
      policies: [
        { vhost: "/", name: "p", pattern: "^a", definition: { "max-length": 2 } },
        { vhost: "/", name: "r", pattern: "", definition: {} },
      ],
    });
    expect(section?.changes).toEqual([
      {
        kind: "changed",
        title: "p in /",
        fields: [{ name: "definition", before: { "max-length": 1 }, after: { "max-length": 2 } }],
      },
      { kind: "new", title: "r in /", fields: [] },
    ]);
  });
  it("leaves queues that are there as they are, and what the broker makes itself out", () => {
    const [section] = difference(present, {
      queues: [
        { vhost: "/", name: "q", durable: false },
        { vhost: "/", name: "amq.gen-x", durable: true },
      ],
    });
    expect(section?.changes.map(({ kind }) => kind)).toEqual(["kept"]);
  });
  it("shows no secrets", () => {
    const [section] = difference(present, { users: [{ name: "guest", password_hash: "b", tags: "administrator" }] });
    expect(JSON.stringify(section?.changes)).not.toContain('"b"');
    expect(section?.changes[0]?.fields.map(({ name }) => name)).toEqual(["password_hash"]);
  });
  it("takes tags as a list and as a text", () => {
    const old = { users: [{ name: "u", tags: ["management", "mine"] }] };
    expect(difference(old, { users: [{ name: "u", tags: "management,mine" }] })[0]?.same).toBe(1);
  });
  it("goes into one virtual host only, where that is wanted", () => {
    const named = difference({ queues: [] }, { users: [{ name: "u" }], queues: [{ name: "a" }, { name: "b", vhost: "other" }] }, "mine");
    expect(named.map(({ name }) => name)).toEqual(["queues"]);
    expect(named[0]?.changes.map(({ title }) => title)).toEqual(["a in mine"]);
  });
});

describe("files that are none", () => {
  it("are told apart", () => {
    expect(faultOf([])).toContain("JSON object");
    expect(faultOf({ queues: {} })).toContain("“queues”");
    expect(faultOf({ fruit: 1 })).toContain("nothing");
    expect(faultOf(present)).toBe("");
  });
  it("equal others whatever the order of members", () => {
    expect(stable({ a: 1, b: { d: 1, c: 2 } })).toBe(stable({ b: { c: 2, d: 1 }, a: 1 }));
  });
});
