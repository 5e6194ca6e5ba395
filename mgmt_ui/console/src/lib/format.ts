// Numbers, sizes and times as people read them. Pure; the locale is English, the zone the viewer's.

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat("en-US", { maximumFractionDigits: 1, minimumFractionDigits: 1 });
const NOTHING = "–";

/** A count with thousands separated; a dash for what is not known. */
export function count(value: number | null | undefined): string {
  return value === null || value === undefined || Number.isNaN(value) ? NOTHING : whole.format(value);
}

/** A count in at most five characters: 999, 12.3k, 4.5M. */
export function short(value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return NOTHING;
  const size = Math.abs(Number(value));
  for (const [unit, letter] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]] as const) {
    if (size >= unit) return `${trimmed(value / unit)}${letter}`;
  }
  return Number.isInteger(value) ? String(value) : trimmed(value);
}

function trimmed(value: number): string {
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 1 ? 1 : 2;
  // As a number again: what ends in zeros loses them.
  return String(Number(value.toFixed(digits)));
}

/** Messages per second. */
export function rate(value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return NOTHING;
  if (value === 0) return "0/s";
  return `${Math.abs(value) < 100 ? tenths.format(value) : whole.format(value)}/s`;
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** Octets in units of 1024. */
export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return NOTHING;
  let unit = 0;
  let rest = Number(value);
  while (Math.abs(rest) >= 1024 && unit < UNITS.length - 1) {
    rest /= 1024;
    unit += 1;
  }
  const text = unit === 0 || Math.abs(rest) >= 100 ? whole.format(rest) : trimmed(rest);
  return `${text} ${UNITS[unit]}`;
}

/** Octets per second. */
export function byteRate(value: number | null | undefined): string {
  return value === null || value === undefined ? NOTHING : `${bytes(value)}/s`;
}

const SPANS: [number, string][] = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1000, "s"],
];

/** A span of milliseconds in its two largest units: `2 d 3 h`, `4 min 5 s`, `350 ms`. */
export function span(milliseconds: number | null | undefined): string {
  if (milliseconds === null || milliseconds === undefined) return NOTHING;
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  const parts: string[] = [];
  let rest = milliseconds;
  for (const [size, unit] of SPANS) {
    if (rest >= size || parts.length) {
      const amount = Math.floor(rest / size);
      rest -= amount * size;
      if (amount) parts.push(`${amount} ${unit}`);
      else if (parts.length) break;
      if (parts.length === 2) break;
    }
  }
  return parts.join(" ");
}

/** `just now`, `12 s ago`, `in 5 min`. */
export function relative(time: number, now: number): string {
  const distance = now - time;
  if (Math.abs(distance) < 1500) return "just now";
  const words = span(Math.abs(distance)).split(" ").slice(0, 2).join(" ");
  return distance > 0 ? `${words} ago` : `in ${words}`;
}

const WHOLE = {
  year: "numeric",
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
} as const;
const clock = new Intl.DateTimeFormat(undefined, WHOLE);
const universal = new Intl.DateTimeFormat(undefined, { ...WHOLE, timeZone: "UTC" });

/** A point in time in the viewer's zone. */
export function local(time: number): string {
  return clock.format(new Date(time));
}

/** A point in time in UTC, which it says. */
export function utc(time: number): string {
  return `${universal.format(new Date(time))} UTC`;
}

/** A share as a percentage. */
export function percent(share: number | null | undefined): string {
  if (share === null || share === undefined || Number.isNaN(share)) return NOTHING;
  const value = share * 100;
  return `${value > 0 && value < 10 ? trimmed(value) : whole.format(value)}%`;
}

/** `1 queue`, `2 queues`. */
export function plural(amount: number, one: string, many = `${one}s`): string {
  return `${count(amount)} ${amount === 1 ? one : many}`;
}
