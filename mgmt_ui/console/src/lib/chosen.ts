// What is chosen for all pages and yet stands in the address, so that a link shows the same to
// somebody else: the virtual host, and the range of the charts. Without it there, what this browser
// has kept counts.
import { effect } from "@preact/signals";
import { RANGES, type Range } from "./history";
import { chosenVhost, pref } from "./prefs";
import { place, setQuery } from "./router";

const range = pref("range", "10 min");

/** Narrows all lists to a virtual host; "" for all. */
export function chooseVhost(name: string): void {
  chosenVhost.value = name;
  setQuery({ vhost: name });
}

/** The range of all charts, by its label. */
export function chooseRange(label: string): void {
  range.value = label;
  setQuery({ range: label });
}

export function chosenRange(): Range {
  return RANGES.find(({ label }) => label === range.value) ?? (RANGES[0] as Range);
}

// Who comes by a link gets what is in it, and keeps it.
effect(() => {
  const { vhost, range: label } = place.value.query;
  if (vhost !== undefined) chosenVhost.value = vhost;
  if (RANGES.some((each) => each.label === label)) range.value = label as string;
});
