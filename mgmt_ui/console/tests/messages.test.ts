import { describe, expect, it } from "vitest";
import { deathsOf, story } from "../src/lib/deaths";
import { type Job, progress, share, stays } from "../src/lib/jobs";
import { asCommand, base64, bestView, bodyOf, glance, hex, kindOf, type Message, octets, portable, shownAs, unpacked } from "../src/lib/messages";

const message = (part: Partial<Message> = {}): Message => ({
  payload: '{"a": [1]}',
  payload_encoding: "string",
  payload_bytes: 10,
  redelivered: false,
  exchange: "",
  routing_key: "q",
  properties: [],
  ...part,
});
const binary = message({ payload: "AP8Q", payload_encoding: "base64" });

describe("a body", () => {
  it("is shown in a fitting form", () => {
    expect(bestView(message())).toBe("json");
    expect(bestView(message({ payload: "hello" }))).toBe("text");
    expect(bestView(binary)).toBe("hex");
    expect(shownAs(message(), "json")).toBe('{\n  "a": [\n    1\n  ]\n}');
    expect(shownAs(binary, "hex")).toMatch(/^000000 {2}00 ff 10 +···$/);
    expect(shownAs(binary, "base64")).toBe("AP8Q");
    expect(shownAs(message({ payload: "é" }), "base64")).toBe("w6k=");
    expect(hex(new Uint8Array(20_000)).endsWith("…")).toBe(true);
  });
  it("has one line that stands for it", () => {
    expect(glance(message({ payload: "a\n  b" }))).toBe("a b");
    expect(glance(binary)).toBe("");
  });
  it("is the same octets both ways", () => {
    const data = Uint8Array.from({ length: 70_000 }, (_, i) => i % 256);
    expect(octets(message({ payload: base64(data), payload_encoding: "base64" }))).toEqual(data);
    expect(bodyOf(new TextEncoder().encode("é"))).toEqual({ payload: "é", payload_encoding: "string" });
    expect(bodyOf(Uint8Array.of(255))).toEqual({ payload: "/w==", payload_encoding: "base64" });
  });
  it("is unpacked where it says that it is packed", async () => {
    const packed = message({
      payload: "H4sIAAAAAAACA8tILEoFAEQvErYEAAAA",
      payload_encoding: "base64",
      properties: { content_encoding: "gzip" },
    });
    expect(new TextDecoder().decode(await unpacked(packed))).toBe("hare");
    expect(await unpacked({ ...packed, payload: "AAAA" })).toBeUndefined();
    expect(await unpacked(message())).toBeUndefined();
  });
});

describe("what is taken away", () => {
  it("can be published again", () => {
    expect(portable(message())).toEqual({ exchange: "", routing_key: "q", properties: {}, payload: '{"a": [1]}', payload_encoding: "string" });
    const command = asCommand(message({ payload: "it's" }), "/", "http://h");
    expect(command).toContain("'http://h/api/exchanges/%2F/amq.default/publish'");
    expect(command).toContain("it'\\''s");
  });
  it("says what values are", () => {
    expect([1, 1.5, "a", true, [1], { a: 1 }, null].map(kindOf)).toEqual(["integer", "number", "text", "yes/no", "list", "table", "nothing"]);
  });
});

describe("the story of a dead letter", () => {
  const headers = {
    "x-death": [
      { queue: "retry", reason: "expired", exchange: "", "routing-keys": ["retry"], count: 3, time: 1_700_000_000 },
      { queue: "work", reason: "rejected", exchange: "jobs", "routing-keys": ["a", "b"], count: 1 },
    ],
  };
  it("begins with what came first", () => {
    expect(deathsOf(headers).map(({ queue }) => queue)).toEqual(["work", "retry"]);
    const [first, second, now] = story(headers, "graves");
    expect(first).toEqual({ text: "Came through exchange “jobs” with “a”, “b”; a consumer rejected it, in", queue: "work", at: undefined });
    expect(second?.text).toBe("Was sent to “retry”; it waited for too long and expired, 3 times, in");
    expect(second?.at).toBe(1_700_000_000_000);
    expect(now).toMatchObject({ queue: "graves", end: true });
  });
  it("is none without deaths, whatever the header holds", () => {
    expect(story({}, "q")).toEqual([]);
    expect(story({ "x-death": "no" }, "q")).toEqual([]);
    expect(story({ "x-death": [null, 1] }, "q")).toEqual([]);
    expect(story({ "x-death": [{}] }, "q")).toHaveLength(2);
  });
});

describe("a job", () => {
  const job = { state: "running", total: 100, scanned: 50, matched: 20, done: 10, rate: 5, skipped: { unroutable: 1, odd: 2 } } as unknown as Job;
  it("tells how far it is", () => {
    expect(progress(job)).toBe("10 of 20 found; 50 of 100 looked at, 5/s");
    expect(progress({ ...job, state: "done" })).toBe("10 messages");
    expect([share(job), share({ ...job, state: "done" }), share({ ...job, total: 0 })]).toEqual([0.5, 1, 0]);
  });
  it("tells why some stay", () => {
    expect(stays(job)).toEqual(["1 message would find no queue there.", "2 messages odd."]);
  });
});
