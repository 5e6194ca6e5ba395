// The past of an object for its charts: what the broker has sampled, and what came live since.
//
// Points hold counters and gauges as they were; rates are made of them when they are drawn, so
// that points may lie at any distance from each other.
import { signal } from "@preact/signals";
import { useEffect, useMemo, useState } from "preact/hooks";
import { get } from "./api";
import { serverNow } from "./time";
import type { Stats } from "./types";

export interface Range {
  label: string;
  /** Seconds shown, and between two samples of the broker. */
  age: number;
  step: number;
}

export const RANGES: Range[] = [
  { label: "1 min", age: 60, step: 5 },
  { label: "10 min", age: 600, step: 5 },
  { label: "1 h", age: 3600, step: 60 },
  { label: "8 h", age: 28_800, step: 600 },
  { label: "24 h", age: 86_400, step: 1800 },
];

export type Values = Record<string, number>;

/** A name such as `publish` or `messages_ready`, and where it is in an object. */
export type Reader = (object: never) => Values;

// A rate over less than that is mostly the jitter of the two looks.
const APART = 800;

export class Past {
  times: number[] = [];
  values: Values[] = [];
  private kept = 0;

  constructor(
    readonly age: number,
    readonly step: number,
  ) {}

  /** Takes the broker's samples, and puts what is newer here after them. */
  load(points: [number, Values][]): void {
    const last = points.at(-1)?.[0] ?? 0;
    const newer = this.times.map((time, i) => [time, this.values[i] ?? {}] as [number, Values]);
    const all = [...points, ...newer.filter(([time]) => time >= last + APART)];
    this.times = all.map(([time]) => time);
    this.values = all.map(([, values]) => values);
    this.kept = this.times.at(-1) ?? 0;
  }

  /** One look at the object; looks that are closer together than `step` replace each other. */
  add(time: number, values: Values): void {
    const newest = this.times.at(-1);
    if (newest !== undefined && time < newest + APART) return;
    // The shortest range shows every second, the others one point for each step.
    const apart = this.age <= 60 ? 0 : this.step * 1000;
    const tail = newest !== undefined && newest > this.kept;
    if (tail && time - this.kept < apart) {
      this.times.pop();
      this.values.pop();
    } else if (newest !== undefined) this.kept = newest;
    this.times.push(time);
    this.values.push(values);
    const oldest = time - (this.age + 2 * this.step) * 1000;
    while ((this.times[0] ?? time) < oldest) {
      this.times.shift();
      this.values.shift();
    }
  }

  gauge(name: string): (number | null)[] {
    return this.values.map((values) => values[name] ?? null);
  }

  /** Per second, from the point before; null for the first, 0 after a counter began anew. */
  rate(name: string): (number | null)[] {
    return this.values.map((values, i) => {
      const before = this.values[i - 1];
      if (i === 0 || !before) return null;
      const seconds = ((this.times[i] ?? 0) - (this.times[i - 1] ?? 0)) / 1000;
      const change = (values[name] ?? 0) - (before[name] ?? 0);
      return seconds > 0 ? Math.max(0, change) / seconds : 0;
    });
  }
}

/** The samples within an object, at any depth of `groups`, as points in order of time. */
export function samplesOf(groups: (Stats | undefined)[]): [number, Values][] {
  const points = new Map<number, Values>();
  for (const group of groups) {
    for (const [key, details] of Object.entries(group ?? {})) {
      if (!key.endsWith("_details") || typeof details !== "object") continue;
      const name = key.slice(0, -"_details".length);
      for (const { sample, timestamp } of details.samples ?? []) {
        const point = points.get(timestamp) ?? {};
        point[name] = sample;
        points.set(timestamp, point);
      }
    }
  }
  return [...points].sort(([a], [b]) => a - b);
}

/** The query that asks for samples over a range. */
export function sampling({ age, step }: Range): string {
  return ["lengths", "msg_rates", "data_rates", "node_stats"]
    .map((kind) => `${kind}_age=${age}&${kind}_incr=${step}`)
    .join("&");
}

const begun = signal(0);

/** The broker has forgotten its samples: what is drawn begins anew, too. */
export function forgetHistory(): void {
  begun.value += 1;
}

/** The past of the object at an API path, growing with every live value. */
export function useHistory<T>(
  where: string | null,
  range: Range,
  live: T | undefined,
  groups: (object: T) => (Stats | undefined)[],
): Past {
  const [, redraw] = useState(0);
  const past = useMemo(() => new Past(range.age, range.step), [where, range, begun.value]);
  useEffect(() => {
    if (!where) return;
    const stop = new AbortController();
    get<T>(`${where}?${sampling(range)}`, stop.signal)
      .then((object) => {
        past.load(samplesOf(groups(object)));
        redraw((n) => n + 1);
      })
      .catch(() => {});
    return () => stop.abort();
  }, [where, range, past]);
  useEffect(() => {
    if (live) past.add(serverNow(), numbers(groups(live)));
    redraw((n) => n + 1);
  }, [live, past]);
  return past;
}

function numbers(groups: (Stats | undefined)[]): Values {
  const found: Values = {};
  for (const group of groups) {
    for (const [name, value] of Object.entries(group ?? {})) {
      if (typeof value === "number") found[name] = value;
    }
  }
  return found;
}
