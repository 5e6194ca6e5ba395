import { describe, expect, it } from "vitest";
import { inWords, parseQuery, quoted, without, withTerm } from "../src/lib/query";

const filter = (text: string) => parseQuery(text).filter;

describe("a search", () => {
  it("is for text in the body", () => {
    expect(filter("hare")).toEqual({ body: "hare" });
    expect(filter("two  words")).toEqual({ body: "two  words" });
    expect(filter('"hare": "Ann"')).toEqual({ body: '"hare": "Ann"' });
    expect(filter('"key:order is text"')).toEqual({ body: "key:order is text" });
    expect(filter("https://example.org/x")).toEqual({ body: "https://example.org/x" });
    expect(filter("a id:1 b")).toEqual({ message_id: "1", body: "a b" });
    expect(filter("  ")).toEqual({});
  });
  it("is for properties", () => {
    expect(filter("id:4711 correlation:abc key:a.b exchange:x type:T app:s")).toEqual({
      message_id: "4711",
      correlation_id: "abc",
      routing_key: "a.b",
      exchange: "x",
      type: "T",
      app_id: "s",
    });
    expect(filter('app:"my shop"')).toEqual({ app_id: "my shop" });
    expect(filter('key:"with \\" and \\\\"')).toEqual({ routing_key: 'with " and \\' });
    expect(filter("exchange:")).toEqual({ exchange: "" });
  });
  it("is for headers, with any value or one", () => {
    expect(filter("header.tenant:t1 header.retry header.n:5")).toEqual({ headers: { tenant: "t1", retry: null, n: "5" } });
    expect(filter('header."a b":"c d"')).toEqual({ headers: { "a b": "c d" } });
    expect(parseQuery("header.").problem).not.toBe("");
  });
  it("is for ages in seconds", () => {
    expect(filter("age>10m age<2h")).toEqual({ older_than: 600, newer_than: 7200 });
    expect(filter("age>1.5d")).toEqual({ older_than: 129_600 });
    expect(filter("age>45")).toEqual({ older_than: 45 });
    expect(parseQuery("age>soon").problem).toContain("age>10m");
  });
  it("is for what became of them", () => {
    expect(filter("redelivered:yes died-in:work died:expired")).toEqual({
      redelivered: true,
      death_queue: "work",
      death_reason: "expired",
    });
    expect(parseQuery("died:bored").problem).toContain("rejected");
    expect(parseQuery("redelivered:maybe").problem).not.toBe("");
    expect(parseQuery("id:").problem).not.toBe("");
  });
  it("is said back, and changed piece by piece", () => {
    const text = 'id:7 header.tenant:t1 "hare": 1';
    const query = parseQuery(text);
    expect(inWords(query)).toBe("message id is “7”, and header tenant is “t1”, and the body has “\"hare\": 1”");
    expect(query.pieces.reduce(without, text)).toBe("");
    expect(withTerm("hare", "key:", "a b")).toBe('hare key:"a b"');
    expect(filter(withTerm("", "key:", 'x " y'))).toEqual({ routing_key: 'x " y' });
    expect(quoted("plain")).toBe("plain");
  });
  it("never fails, whatever is typed", () => {
    for (const text of ['"', '"""', "header.:", "age>", ":", "key:\"", "a\"b c", "\\"]) expect(() => parseQuery(text)).not.toThrow();
  });
});
