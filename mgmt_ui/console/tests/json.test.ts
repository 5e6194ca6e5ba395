import { expect, test } from "vitest";
import { parseJson, toJson, toNumber } from "../src/lib/json";

const EXACT = '{"id":9223372036854775807,"low":-9223372036854775808,"list":[1,9007199254740993],"small":5}';

test("integers keep all their digits, there and back", () => {
  const value = parseJson<Record<string, unknown>>(EXACT);
  expect(value.id).toBe(9223372036854775807n);
  expect(value.small).toBe(5);
  expect(toJson(value)).toBe(EXACT);
  expect(parseJson(toJson(value, 2))).toEqual(value);
});

test("what a Number holds stays a Number", () => {
  expect(parseJson('{"a": 9007199254740991, "b": 12345678901234567890.5, "c": 1e30}')).toEqual({
    a: 9007199254740991,
    b: 12345678901234567890.5,
    c: 1e30,
  });
});

test("digits in texts are texts", () => {
  const text = String.raw`{"a":"say \"9223372036854775807\" ","9223372036854775807":", 9223372036854775807 ,","n":9223372036854775807}`;
  expect(parseJson(text)).toEqual({
    a: 'say "9223372036854775807" ',
    "9223372036854775807": ", 9223372036854775807 ,",
    n: 9223372036854775807n,
  });
});

test("what is no JSON is said as for any other text", () => {
  expect(() => parseJson('{"a": 9223372036854775807')).toThrow(SyntaxError);
  expect(() => parseJson('{"a": 01, "b": 9223372036854775807 }')).toThrow(SyntaxError);
});

test("a typed number is taken as it stands", () => {
  expect(toNumber("9007199254740993")).toBe(9007199254740993n);
  expect(toNumber(" 12.5 ")).toBe(12.5);
  expect(toNumber("-7")).toBe(-7);
});
