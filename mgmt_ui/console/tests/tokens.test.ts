import { describe, expect, it } from "vitest";
import { indented, jsonTokens, marked } from "../src/lib/tokens";
import { explain, whoWins } from "../src/lib/words";

describe("JSON in pieces", () => {
  const text = JSON.stringify({ a: "b: \"c\"", n: [-1.25, true, null], "x:y": {} }, null, 2);
  it("is the same text", () => {
    expect(jsonTokens(text).map((each) => each.text).join("")).toBe(text);
    expect(jsonTokens("x".repeat(60_000))).toHaveLength(1);
  });
  it("tells keys from texts, numbers and words", () => {
    const of = (kind: string) => jsonTokens(text).filter((each) => each.kind === kind).map((each) => each.text);
    expect(of("key")).toEqual(['"a"', '"n"', '"x:y"']);
    expect(of("text")).toEqual(['"b: \\"c\\""']);
    expect(of("number")).toEqual(["-1.25"]);
    expect(of("word")).toEqual(["true", "null"]);
  });
});

describe("JSON in lines", () => {
  it("is as anybody writes it", () => {
    for (const value of [{}, [], [[]], { a: [1, { b: {} }], c: "}{][,:\"" }, [[], {}, ""], "x", 5, ["[", "]"]]) {
      expect(indented(JSON.stringify(value))).toBe(JSON.stringify(value, null, 2));
    }
  });
  it("keeps numbers as they are written, and shows letters as they are meant", () => {
    expect(indented('{"id":12345678901234567890,"x":1.0,"name":"Z\\u00fcrich"}')).toBe('{\n  "id": 12345678901234567890,\n  "x": 1.0,\n  "name": "Zürich"\n}');
  });
});

describe("what was searched for", () => {
  it("stands at every other place", () => {
    expect(marked("a hare, a hare", "hare")).toEqual(["a ", "hare", ", a ", "hare", ""]);
    expect(marked("none", "hare")).toEqual(["none"]);
    expect(marked("none", undefined)).toEqual(["none"]);
    expect(marked("aaa", "aa")).toEqual(["", "aa", "a"]);
  });
});

describe("arguments", () => {
  it("are explained, with or without their x-", () => {
    expect(explain("x-message-ttl", 60_000)).toBe("A message expires 1 min after it came.");
    expect(explain("delivery-limit", 5)).toContain("5 times");
    expect(explain("x-nobody-knows", 1)).toBeUndefined();
  });
  it("meet policies", () => {
    expect(whoWins("x-max-length")).toContain("smaller");
    expect(whoWins("x-dead-letter-exchange")).toContain("argument counts");
    expect(whoWins("x-max-age")).toContain("and counts");
  });
});
