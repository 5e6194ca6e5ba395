// Cells that several tables share.
import { count, rate } from "../lib/format";
import { rateOf, type Stats } from "../lib/types";
import type { Column } from "./columns";
import { State, type Tone } from "./parts";
import { Spark } from "./Spark";

export function Count({ value }: { value: number | undefined | null }) {
  return <span class={value ? "" : "zero"}>{count(value)}</span>;
}

export function Rate({ value }: { value: number }) {
  return <span class={value ? "" : "zero"}>{rate(value)}</span>;
}

/** A column with the rate of a counter of `message_stats`. */
export function rateColumn<T extends { message_stats?: Stats }>(
  name: string,
  title: string,
  shown: Column<T>["shown"] = false,
): Column<T> {
  return {
    id: `rate-${name}`,
    title,
    group: "Rates",
    width: 88,
    num: true,
    sort: `message_stats.${name}_details.rate`,
    fields: [`message_stats.${name}_details.rate`],
    ...(shown ? { shown } : {}),
    render: (row) => <Rate value={rateOf(row.message_stats, name)} />,
  };
}

/** A line of how a value went while the row was in view. */
export function sparkColumn<T>(
  title: string,
  fields: string[],
  keyOf: (row: T) => string,
  valueOf: (row: T) => number,
): Column<T> {
  return {
    id: "spark",
    title,
    width: 104,
    fields,
    shown: true,
    render: (row) => <Spark name={keyOf(row)} value={valueOf(row)} />,
  };
}

const TONES: Record<string, Tone> = {
  running: "good",
  live: "good",
  up: "good",
  idle: "",
  flow: "warn",
  paused: "warn",
  blocked: "bad",
  blocking: "warn",
  closing: "warn",
  down: "bad",
  crashed: "bad",
  stopped: "bad",
  minority: "bad",
};

export function StateOf({ state }: { state: string | undefined }) {
  const known = state ?? "running";
  return <State tone={TONES[known] ?? ""}>{known}</State>;
}
