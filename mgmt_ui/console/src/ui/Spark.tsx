// A line without numbers beside a number: how it went over the last minute.
import { useEffect, useRef } from "preact/hooks";
import { now } from "../lib/time";

const LENGTH = 40;
const lines = new Map<string, { at: number; values: number[] }>();

// Remembers a value of a row each second; the rows of all tables share the memory.
function remember(key: string, value: number, time: number): number[] {
  let line = lines.get(key);
  if (!line) {
    if (lines.size > 4000) lines.clear();
    line = { at: 0, values: [] };
    lines.set(key, line);
  }
  if (time - line.at >= 900) {
    line.at = time;
    line.values.push(value);
    if (line.values.length > LENGTH) line.values.shift();
  }
  return line.values;
}

/** Draws itself anew each second, whether its row has changed or not. */
export function Spark({ name, value }: { name: string; value: number }) {
  const path = useRef<SVGPathElement>(null);
  const values = remember(name, value, now.value);
  useEffect(() => path.current?.setAttribute("d", drawn(values)));
  return (
    <svg class="spark" viewBox="0 0 84 22" preserveAspectRatio="none" aria-hidden="true">
      <path ref={path} />
    </svg>
  );
}

function drawn(values: number[]): string {
  const top = Math.max(...values, 0);
  if (values.length < 2 || top === 0) return "M0 21H84";
  const step = 84 / (LENGTH - 1);
  const start = 84 - (values.length - 1) * step;
  const points = values.map((value, i) => `${(start + i * step).toFixed(1)} ${(21 - (value / top) * 19).toFixed(1)}`);
  return `M${points.join("L")}`;
}
