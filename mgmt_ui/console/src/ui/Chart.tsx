// Charts by uPlot: lines or stacked areas over time, a cursor that reads all of them, a legend that
// hides one, and the same numbers as a table for those who do not see the picture.
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { theme, zone } from "../lib/prefs";
import { Icon } from "./Icon";

export interface Series {
  label: string;
  /** 1 to 8: which of the chart colours. */
  color: number;
  values: (number | null)[];
  dashed?: boolean;
}

interface ChartProps {
  title: string;
  times: number[];
  series: Series[];
  /** Seconds that are shown, up to the newest point. */
  age: number;
  format: (value: number | null) => string;
  /** Areas, the first on top of the others. */
  stacked?: boolean;
  /** What the marks of the axis are round in: whole numbers, or octets; else anything. */
  unit?: "whole" | "octets";
  height?: number;
}

const HOURS = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
const CLOCKS = { local: clocksOf(undefined), utc: clocksOf("UTC") };

/** With seconds, and without. */
function clocksOf(timeZone: string | undefined) {
  const make = (more: object) => new Intl.DateTimeFormat(undefined, { ...HOURS, ...more, ...(timeZone ? { timeZone } : {}) });
  return { exact: make({ second: "2-digit" }), short: make({}) };
}

export function Chart({ title, times, series, age, format, stacked = false, unit, height = 190 }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [hidden, setHidden] = useState<string[]>([]);
  const [at, setAt] = useState<number | null>(null);
  const [asTable, setAsTable] = useState(false);
  const shown = series.filter(({ label }) => !hidden.includes(label));
  const shape = `${shown.map((each) => each.label).join()}|${stacked}|${age}|${theme.value}|${zone.value}|${asTable}`;

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const width = element.clientWidth;
    const made = new uPlot(options({ element, width, height, shown, format, stacked, unit, age, setAt }), data(), element);
    plot.current = made;
    const watch = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    watch.observe(element);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const repaint = () => made.redraw();
    dark.addEventListener("change", repaint);
    return () => {
      watch.disconnect();
      dark.removeEventListener("change", repaint);
      made.destroy();
      plot.current = null;
    };
  }, [shape]);

  useEffect(() => plot.current?.setData(data()));

  function data(): uPlot.AlignedData {
    const seconds = times.map((time) => time / 1000);
    return [seconds, ...(stacked ? stack(shown) : shown.map((each) => each.values))] as uPlot.AlignedData;
  }

  const index = at !== null && at < times.length ? at : times.length - 1;
  const toggle = (label: string) =>
    setHidden(hidden.includes(label) ? hidden.filter((each) => each !== label) : [...hidden, label]);
  return (
    <figure class="chart" aria-label={`${title}: ${series.map((s) => `${s.label} ${format(s.values.at(-1) ?? null)}`).join(", ")}`}>
      {asTable ? <Numbers times={times} series={series} format={format} /> : <div ref={box} style={{ height: `${height}px` }} />}
      {times.length < 2 && !asTable && <div class="quiet">Waiting for the first two samples…</div>}
      {at !== null && times[index] !== undefined && <div class="moment">{CLOCKS[zone.value].exact.format(times[index])}</div>}
      <div class="legend">
        {series.map((each) => (
          <button
            key={each.label}
            type="button"
            aria-pressed={!hidden.includes(each.label)}
            title={`Show or hide ${each.label}`}
            onClick={() => toggle(each.label)}
          >
            <svg viewBox="0 0 12 12" aria-hidden="true">
              {(each.dashed ? [0, 7] : [0]).map((x) => (
                <rect key={x} x={x} y="4" width={each.dashed ? 5 : 12} height="4" rx="2" style={{ fill: `var(--chart-${each.color})` }} />
              ))}
            </svg>
            {each.label} <b>{format(each.values[index] ?? null)}</b>
          </button>
        ))}
        <span style={{ flex: 1 }} />
        <button type="button" aria-pressed={asTable} class="plain-toggle" title="Show the numbers" onClick={() => setAsTable(!asTable)} style={{ opacity: 1, textDecoration: "none" }}>
          <Icon name={asTable ? "overview" : "table"} />
          <span class="visually-hidden">Show as {asTable ? "chart" : "table"}</span>
        </button>
      </div>
    </figure>
  );
}

function Numbers({ times, series, format }: Pick<ChartProps, "times" | "series" | "format">) {
  const newest = times.map((_, index) => index).slice(-30).reverse();
  return (
    <div class="plain" style={{ maxHeight: "220px", overflow: "auto" }} tabIndex={0}>
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Time</th>
            {series.map(({ label }) => (
              <th scope="col" class="num" key={label}>
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {newest.map((index) => (
            <tr key={times[index]}>
              <td>{CLOCKS[zone.value].exact.format(times[index])}</td>
              {series.map(({ label, values }) => (
                <td class="num" key={label}>
                  {format(values[index] ?? null)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Each series on top of those after it: what is drawn last, in front, is the lowest. */
function stack(series: Series[]): (number | null)[][] {
  let below: number[] = [];
  return series
    .toReversed()
    .map(({ values }) => {
      below = values.map((value, i) => (value ?? 0) + (below[i] ?? 0));
      return below;
    })
    .toReversed();
}

interface Made {
  element: HTMLElement;
  width: number;
  height: number;
  shown: Series[];
  format: (value: number | null) => string;
  stacked: boolean;
  unit: ChartProps["unit"];
  age: number;
  setAt: (index: number | null) => void;
}

function options({ element, width, height, shown, format, stacked, unit, age, setAt }: Made): uPlot.Options {
  const paint = (name: string) => () => painted(element, name);
  const axis = { stroke: paint("--chart-axis"), ticks: { show: false }, font: "11px system-ui, sans-serif" };
  const grid = { stroke: paint("--chart-grid"), width: 1 };
  return {
    width,
    height,
    padding: [8, 4, 0, 0],
    legend: { show: false },
    ...(zone.value === "utc" ? { tzDate: (seconds: number) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC") } : {}),
    scales: {
      x: { time: true, range: (_, _min, max) => [max - age, max] },
      y: { range: (_, _min, max) => [0, unit === "octets" ? topOctets(max) : top(max)] },
    },
    axes: [
      { ...axis, grid: { show: false }, size: 26, gap: 6, space: 70, values: clockMarks(age) },
      { ...axis, grid, size: 58, space: 34, values: (_, marks) => marks.map((mark) => format(mark)), ...(unit ? { incrs: STEPS[unit] } : {}) },
    ],
    cursor: { drag: { x: false, y: false }, sync: { key: "time" }, points: { size: 6 } },
    hooks: { setCursor: [(made) => setAt(made.cursor.idx ?? null)] },
    series: [
      {},
      ...shown.map(({ label, color, dashed }) => ({
        label,
        stroke: paint(`--chart-${color}`),
        width: 1.6,
        points: { show: false },
        ...(dashed ? { dash: [7, 5] } : {}),
        ...(stacked ? { fill: () => soft(painted(element, `--chart-${color}`), 0.22) } : {}),
      })),
    ],
    ...(stacked ? { bands: shown.slice(1).map((_, i) => ({ series: [i + 1, i + 2] as [number, number] })) } : {}),
  };
}

const STEPS = {
  whole: [1, 2, 5].flatMap((each) => Array.from({ length: 10 }, (_, power) => each * 10 ** power)).sort((a, b) => a - b),
  octets: Array.from({ length: 50 }, (_, power) => 2 ** power),
};

function top(max: number | null): number {
  if (!max || max <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(max));
  const steps = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10];
  return (steps.find((step) => step * power >= max * 1.08) ?? 12) * power;
}

/** The next of 1, 1.5 or 2 times a power of two. */
function topOctets(max: number | null): number {
  if (!max || max <= 0) return 4;
  const power = 2 ** Math.floor(Math.log2(max));
  return ([1, 1.5, 2].find((step) => step * power >= max * 1.05) ?? 3) * power;
}

function clockMarks(age: number) {
  return (_: uPlot, marks: number[]) => marks.map((mark) => CLOCKS[zone.value][age <= 60 ? "exact" : "short"].format(mark * 1000));
}

// A canvas knows no custom properties: a style that uses one tells what it stands for now.
function painted(element: HTMLElement, name: string): string {
  element.style.color = `var(${name})`;
  const color = getComputedStyle(element).color;
  element.style.color = "";
  return color;
}

function soft(color: string, alpha: number): string {
  return color.startsWith("rgb(") ? color.replace("rgb(", "rgba(").replace(")", `, ${alpha})`) : color;
}
