import { describe, expect, it } from "vitest";
import { bytes, count, percent, plural, rate, relative, short, span, utc } from "../src/lib/format";

describe("numbers", () => {
  it("separates thousands", () => {
    expect(count(1234567)).toBe("1,234,567");
    expect(count(undefined)).toBe("–");
    expect(count(0)).toBe("0");
  });
  it("shortens", () => {
    expect([999, 1000, 12345, 4_500_000, 2e9, 0.5, 0.25, 20.04, 300e3].map(short)).toEqual([
      "999",
      "1k",
      "12.3k",
      "4.5M",
      "2G",
      "0.5",
      "0.25",
      "20",
      "300k",
    ]);
  });
  it("tells rates", () => {
    expect([0, 0.25, 94.4, 1234.6].map(rate)).toEqual(["0/s", "0.3/s", "94.4/s", "1,235/s"]);
  });
  it("tells sizes in units of 1024", () => {
    expect([0, 1023, 1024, 1536, 104857600].map(bytes)).toEqual(["0 B", "1,023 B", "1 KiB", "1.5 KiB", "100 MiB"]);
  });
  it("tells shares", () => {
    expect([0, 0.051, 0.5, 1].map(percent)).toEqual(["0%", "5.1%", "50%", "100%"]);
  });
  it("counts nouns", () => {
    expect([plural(1, "queue"), plural(2, "queue"), plural(1000, "policy", "policies")]).toEqual([
      "1 queue",
      "2 queues",
      "1,000 policies",
    ]);
  });
});

describe("time", () => {
  it("takes the two largest units", () => {
    expect([350, 5000, 245_000, 3_600_000, 183_600_000].map(span)).toEqual([
      "350 ms",
      "5 s",
      "4 min 5 s",
      "1 h",
      "2 d 3 h",
    ]);
  });
  it("leaves out what is between", () => {
    expect(span(86_400_000 + 5000)).toBe("1 d");
  });
  it("is relative to now", () => {
    expect(relative(1000, 1200)).toBe("just now");
    expect(relative(0, 12_000)).toBe("12 s ago");
    expect(relative(300_000, 0)).toBe("in 5 min");
  });
});

it("says of a time that it is in UTC", () => {
  expect(utc(Date.UTC(2026, 10, 21, 17, 40, 2))).toMatch(/2026.*17:40:02 UTC$/);
});
