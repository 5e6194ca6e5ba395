import { describe, expect, it } from "vitest";
import { apply, type Json } from "../src/lib/patch";

describe("patches", () => {
  it("set, drop and patch members, and leave the old value as it was", () => {
    const old = { a: 1, b: { c: 2, d: 3 }, e: { f: 1 } };
    const now = apply(old, { s: { a: 2 }, d: ["e"], p: { b: { s: { c: 5 } } } });
    expect(now).toEqual({ a: 2, b: { c: 5, d: 3 } });
    expect(old).toEqual({ a: 1, b: { c: 2, d: 3 }, e: { f: 1 } });
  });
  it("keep what is unchanged as the same object", () => {
    const old = { items: [{ n: 1 }, { n: 2 }] } as { [key: string]: Json };
    const now = apply(old, { p: { items: { p: { "1": { s: { n: 3 } } } } } }) as { items: Json[] };
    expect(now.items[0]).toBe((old.items as Json[])[0]);
    expect(now.items[1]).toEqual({ n: 3 });
  });
  it("cut and extend arrays", () => {
    expect(apply([1, 2, 3], { n: 1 })).toEqual([1]);
    expect(apply([1], { e: [2, 3], p: { "0": { r: 9 } } })).toEqual([9, 2, 3]);
  });
  it("replace values", () => {
    expect(apply({ a: 1 }, { r: [1] })).toEqual([1]);
  });
  it("refuse what they do not fit", () => {
    expect(() => apply({ a: 1 }, { p: { b: { s: { c: 1 } } } })).toThrow();
    expect(() => apply(1, { s: { a: 1 } })).toThrow();
  });
});
