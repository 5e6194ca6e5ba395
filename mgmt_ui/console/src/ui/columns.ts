// Columns of a table, which of them are shown, and what that means for the question to the API.
import type { ComponentChildren } from "preact";
import { pref } from "../lib/prefs";

export interface Column<T> {
  id: string;
  title: string;
  /** Stands above several columns. */
  group?: string;
  /** Pixels; the first column takes what is left. */
  width: number;
  num?: boolean;
  /** The API's path to sort by; none, not sortable. */
  sort?: string;
  /** What the API has to send for this column. */
  fields: string[];
  render: (row: T) => ComponentChildren;
  /** Shown until the viewer chooses; `small`: on narrow screens, too; `wide`: on wide ones only. */
  shown?: boolean | "small" | "wide";
}

export interface Sorting {
  id: string;
  down: boolean;
}

/** `-messages` means by messages, the largest first. */
export function parseSorting(text: string | undefined): Sorting | null {
  if (!text) return null;
  return { id: text.replace(/^-/, ""), down: text.startsWith("-") };
}

/** What a press on a head means: the natural direction, then the other, then none. */
export function nextSorting<T>(column: Column<T>, now: Sorting | null): string {
  const natural = Boolean(column.num);
  if (now?.id !== column.id) return natural ? `-${column.id}` : column.id;
  if (now.down === natural) return natural ? column.id : `-${column.id}`;
  return "";
}

export type Room = "narrow" | "middle" | "wide";

const FITS: Record<Room, (shown: Column<never>["shown"]) => boolean> = {
  narrow: (shown) => shown === "small",
  middle: (shown) => shown === "small" || shown === true,
  wide: (shown) => Boolean(shown),
};

/** The chosen columns of a table, kept apart for screens of different width. */
export function chosenColumns<T>(kind: string, columns: Column<T>[], room: Room) {
  const initial = columns.filter(({ shown }) => FITS[room](shown)).map(({ id }) => id);
  return pref<string[]>(`${kind}.columns.${room}`, initial);
}

export const PAGE = 100;

interface Question<T> {
  where: string;
  page: number;
  search: string;
  regex: boolean;
  sorting: Sorting | null;
  columns: Column<T>[];
  /** Those that are shown, by id; what is hidden may still be sorted by. */
  shown: string[];
  always: string[];
}

/** The API path of one page of a list. */
export function listPath<T>(asked: Question<T>): string {
  const shown = asked.columns.filter(({ id }) => asked.shown.includes(id));
  const fields = new Set([...asked.always, ...shown.flatMap((each) => each.fields)]);
  const query = new URLSearchParams({ page: String(asked.page), page_size: String(PAGE) });
  if (asked.search) {
    query.set("name", asked.search);
    if (asked.regex) query.set("use_regex", "true");
  }
  const sort = asked.columns.find(({ id }) => id === asked.sorting?.id)?.sort;
  if (sort) {
    query.set("sort", sort);
    if (asked.sorting?.down) query.set("sort_reverse", "true");
  }
  query.set("columns", [...fields].join(","));
  return `${asked.where}?${query}`;
}
