// Charts of rates and lengths as the pages of single objects show them.
import { chooseRange, chosenRange } from "../../lib/chosen";
import { byteRate, short } from "../../lib/format";
import { type Past, RANGES, type Range } from "../../lib/history";
import { Chart } from "../../ui/Chart";
import { Card, Segments } from "../../ui/parts";

const OPTIONS = RANGES.map(({ label }) => [label, label] as const);

/** The range that is chosen for all charts. */
export function useRange(): Range {
  return chosenRange();
}

export function RangeChoice() {
  return (
    <Segments label="Range of the charts" options={OPTIONS} value={chosenRange().label} onChange={chooseRange} />
  );
}

/** The name of a counter, what it is called, its colour; shown even when it never moved. */
export type RateLine = [name: string, label: string, color: number, always?: boolean];

// They lie upon the line of what they answer where all is well: dashed, they let it be seen.
const ANSWERS = new Set(["confirm", "ack"]);

export function RateChart({ title, past, lines, octets = false }: { title: string; past: Past; lines: RateLine[]; octets?: boolean }) {
  const used = lines.filter(([name, , , always]) => always || past.values.some((each) => (each[name] ?? 0) > 0));
  return (
    <Card title={title}>
      <Chart
        title={title}
        times={past.times}
        age={past.age}
        format={octets ? byteRate : perSecond}
        {...(octets ? { unit: "octets" as const } : {})}
        series={used.map(([name, label, color]) => ({ label, color, dashed: ANSWERS.has(name), values: past.rate(name) }))}
      />
    </Card>
  );
}

export function LengthChart({ title, past }: { title: string; past: Past }) {
  return (
    <Card title={title}>
      <Chart
        title={title}
        times={past.times}
        age={past.age}
        stacked
        unit="whole"
        format={short}
        series={[
          { label: "Ready", color: 1, values: past.gauge("messages_ready") },
          { label: "Unacknowledged", color: 4, values: past.gauge("messages_unacknowledged") },
        ]}
      />
    </Card>
  );
}

export function perSecond(value: number | null): string {
  return value === null ? "–" : `${short(value)}/s`;
}
