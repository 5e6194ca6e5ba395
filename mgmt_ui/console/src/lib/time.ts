// The time of day, ticking once a second for everything that says "12 s ago". The broker's clock
// counts: the viewer's may be wrong.
import { signal } from "@preact/signals";
import { local, utc } from "./format";
import { zone } from "./prefs";

let offset = 0;
export const now = signal(Date.now());

/** What the broker's clock says now. */
export function serverNow(): number {
  return Date.now() + offset;
}

/** The broker has said what time it is. */
export function hearTime(server: number): void {
  const heard = server - Date.now();
  // Of many, the one that came quickest is nearest to the truth: it is the largest.
  offset = offset === 0 || Math.abs(heard - offset) > 5000 ? heard : Math.max(offset, heard);
}

if (typeof window !== "undefined") {
  setInterval(() => {
    if (!document.hidden) now.value = serverNow();
  }, 1000);
}

/** A point in time as the viewer wants it: in their own zone, or in UTC. */
export function shownTime(time: number): string {
  return zone.value === "utc" ? utc(time) : local(time);
}

/** The same in both zones, for who points at it. */
export function bothTimes(time: number): string {
  return `${local(time)}\n${utc(time)}`;
}
