import { expect, test } from "vitest";
import { allowed, allowedSomewhere, fits, type Rights } from "../src/lib/rights";

const ROWS: Rights[] = [
  { vhost: "/", configure: "", write: "^orders", read: ".*" },
  { vhost: "looked at", configure: "^$", write: "^$", read: ".*" },
  { vhost: "auth", configure: null, write: null, read: null },
];

test.each([
  ["", "orders", false],
  [".*", "orders", true],
  ["^orders\\.", "orders.new", true],
  ["^orders\\.", "mails", false],
  ["orders", "my.orders.new", true],
  ["^(orders|mails)$", "mails", true],
  // Only the broker knows these.
  [null, "orders", undefined],
  ["(?i)ORDERS", "orders", undefined],
  ["\\Aorders\\Z", "orders", undefined],
  ["(", "orders", undefined],
])("the pattern %s and %s", (pattern, name, expected) => {
  expect(fits(pattern, name)).toBe(expected);
});

test("what would be refused is not offered", () => {
  expect(allowed(ROWS, "write", "/", "orders")).toBe(true);
  expect(allowed(ROWS, "write", "/", "mails")).toBe(false);
  expect(allowed(ROWS, "configure", "/", "orders")).toBe(false);
  expect(allowed(ROWS, "read", "other", "orders")).toBe(false);
  expect(allowed(undefined, "read", "/", "orders")).toBe(false);
});

test("where the console cannot tell, the broker is asked", () => {
  expect(allowed(ROWS, "configure", "auth", "orders")).toBe(true);
});

test("whether anything may be made", () => {
  expect(allowedSomewhere(ROWS, "configure", "/")).toBe(false);
  expect(allowedSomewhere(ROWS, "configure", "looked at")).toBe(false);
  expect(allowedSomewhere(ROWS, "configure", "")).toBe(true);
});
