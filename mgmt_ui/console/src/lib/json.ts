// JSON that keeps the digits of 64-bit integers: what a Number cannot hold exactly is a BigInt.
// Headers and arguments have such values, and are sent again as they came.

const LONG = /[\s:,[]-?\d{16,}[\s,\]}]/;
const PIECES = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g;
const WHOLE = /^-?\d{16,}$/;
// Stands before the digits while they pass as a text; nobody outside can know it.
const MARK = `integer ${Math.random()} `;
const MARKED = new RegExp(`"${MARK.replace(".", "\\.")}(-?\\d+)"`, "g");

/** As JSON.parse, but for integers that would be rounded: these are BigInts. */
export function parseJson<T>(text: string): T {
  if (!LONG.test(text)) return JSON.parse(text) as T;
  // What is wrong with it is said of the text as it came.
  JSON.parse(text);
  const marked = text.replace(PIECES, (piece) => (WHOLE.test(piece) && !exact(piece) ? `"${MARK}${piece}"` : piece));
  return JSON.parse(marked, (_, value: unknown) =>
    typeof value === "string" && value.startsWith(MARK) ? BigInt(value.slice(MARK.length)) : value,
  ) as T;
}

/** As JSON.stringify; BigInts are integers. `change` may put another value in the place of each. */
export function toJson(value: unknown, indent?: number, change?: (each: unknown) => unknown): string {
  let found = false;
  const text = JSON.stringify(
    value,
    (_, each: unknown) => {
      if (typeof each !== "bigint") return change ? change(each) : each;
      found = true;
      return MARK + each;
    },
    indent,
  );
  return found ? text.replace(MARKED, "$1") : text;
}

/** A number that somebody typed, with all its digits. */
export function toNumber(text: string): number | bigint {
  const plain = text.trim();
  return /^[+-]?\d+$/.test(plain) && !Number.isSafeInteger(Number(plain)) ? BigInt(plain.replace("+", "")) : Number(plain);
}

function exact(digits: string): boolean {
  return Number.isSafeInteger(Number(digits));
}
