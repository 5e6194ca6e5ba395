// A table of any length: asks the broker for the pages that are in view, draws the rows that are.
import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { count } from "../lib/format";
import { useLive } from "../lib/live";
import { place, setQuery } from "../lib/router";
import type { Page } from "../lib/types";
import { type Column, chosenColumns, listPath, nextSorting, PAGE, parseSorting, type Room } from "./columns";
import { Problem } from "./parts";
import { Bulk, type BulkAction, ColumnChooser, SearchBox } from "./TableTools";

const ROW = 36;
const OVERSCAN = 6;
const SETTLE_MS = 70;
// What the first column is left with on a phone; its text is cut, and whole in its title.
const NAME = 140;
/** A long value beside a name, on the narrowest screen. */
const OTHER = 156;

export interface TableProps<T> {
  /** Names the table in the viewer's preferences. */
  kind: string;
  /** The API path of the list. */
  where: string;
  columns: Column<T>[];
  always: string[];
  keyOf: (row: T) => string;
  hrefOf?: (row: T) => string;
  bulk?: BulkAction<T>[];
  tools?: ComponentChildren;
  /** Shown when there is nothing at all. */
  empty: ComponentChildren;
  /** What the search looks at, where that is not the name. */
  by?: string;
  /** What the rows are called: `queue`, `queues`. */
  noun: [string, string];
}

export function Table<T>(props: TableProps<T>) {
  const { kind, columns, keyOf } = props;
  const room = useRoom();
  const chosen = chosenColumns(kind, columns, room);
  const visible = useMemo(() => columns.filter(({ id }) => chosen.value.includes(id)), [columns, chosen.value]);
  const { q: search = "", regex = "", sort } = place.value.query;
  const sorting = parseSorting(sort);
  const question = (page: number) =>
    listPath({ ...props, page, search, regex: regex === "1", sorting, shown: chosen.value });

  const scroller = useRef<HTMLDivElement>(null);
  const [first, setFirst] = useState(0);
  const [rowsInView, setRowsInView] = useState(30);
  const settled = useSettled(first);
  const pageA = Math.floor(settled / PAGE) + 1;
  const pageB = Math.floor((settled + rowsInView) / PAGE) + 1;
  const a = useLive<Page<T>>(question(pageA));
  const b = useLive<Page<T>>(pageB === pageA ? null : question(pageB));
  const base = question(0);
  const pages = useMemo(() => new Map<number, T[]>(), [base]);
  if (a.value) pages.set(pageA, a.value.items);
  if (b.value) pages.set(pageB, b.value.items);
  const newest = a.value ?? b.value;
  const known = useRef({ base: "", total: 0, all: 0 });
  if (newest) known.current = { base, total: newest.filtered_count, all: newest.total_count };
  const { total, all } = known.current;
  const loaded = known.current.base !== "";

  const [selected, setSelected] = useState(new Map<string, T>());
  useEffect(() => setSelected(new Map()), [props.where, search, regex]);

  useEffect(() => {
    if (scroller.current) scroller.current.scrollTop = 0;
    setFirst(0);
  }, [props.where, search, regex, sort]);

  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const fit = () => {
      const above = element.getBoundingClientRect().top + window.scrollY;
      const height = Math.max(260, window.innerHeight - above - 28);
      element.style.height = `${Math.min(height, (total || 1) * ROW + ROW + 3)}px`;
      setRowsInView(Math.ceil(height / ROW));
    };
    fit();
    window.addEventListener("resize", fit);
    return () => window.removeEventListener("resize", fit);
  }, [total, selected.size > 0, room]);

  const rowAt = (index: number) => pages.get(Math.floor(index / PAGE) + 1)?.[index % PAGE];
  const from = Math.max(0, first - OVERSCAN);
  const to = Math.min(total, first + rowsInView + OVERSCAN);
  const indexes = Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
  const onScroll = () => setFirst(Math.floor((scroller.current?.scrollTop ?? 0) / ROW));

  const pick = useCallback(
    (row: T) =>
      setSelected((before) => {
        const next = new Map(before);
        if (!next.delete(keyOf(row))) next.set(keyOf(row), row);
        return next;
      }),
    [keyOf],
  );
  const loadedRows = indexes.map(rowAt).filter((row): row is T => row !== undefined);
  const allPicked = loadedRows.length > 0 && loadedRows.every((row) => selected.has(keyOf(row)));
  const pickAll = () => setSelected(allPicked ? new Map() : new Map(loadedRows.map((row) => [keyOf(row), row])));

  const error = a.error ?? b.error;
  const nothing = loaded && all === 0 && !search && known.current.base === base;
  const least = (each: Column<T>, i: number) => (room === "narrow" ? Math.min(each.width, i === 0 ? NAME : OTHER) : each.width);
  const width = visible.reduce((sum, each, i) => sum + least(each, i), props.bulk ? 36 : 0);
  return (
    <>
      <div class="table-tools">
        <SearchBox noun={props.noun[1]} by={props.by} search={search} regex={regex === "1"} invalid={Boolean(error && regex)} />
        <span class="soft" role="status" aria-live="polite">
          {loaded && (search ? `${count(total)} of ${count(all)}` : `${count(total)} ${props.noun[total === 1 ? 0 : 1]}`)}
        </span>
        <span style={{ flex: 1 }} />
        <ColumnChooser columns={columns} chosen={chosen} />
        {props.tools}
      </div>
      {props.bulk && selected.size > 0 && (
        <Bulk
          selected={[...selected.values()]}
          total={total}
          noun={props.noun}
          actions={props.bulk}
          all={{ path: props.where, search, regex: regex === "1", always: props.always }}
          onSelect={(rows) => setSelected(new Map(rows.map((row) => [keyOf(row), row])))}
        />
      )}
      {error && !regex && <Problem error={error} />}
      {error && regex && <Problem error={new Error("This is not a regular expression that the broker can use.")} />}
      {nothing ? (
        <div class="card" key="empty">
          {props.empty}
        </div>
      ) : (
        <div class="table-scroll" key="table" ref={scroller} onScroll={onScroll} tabIndex={0} role="region" aria-label={`Table of ${props.noun[1]}`}>
          <table class="table fixed" style={{ minWidth: `${width}px` }} aria-rowcount={total + 1}>
            <colgroup>
              {props.bulk && <col style={{ width: "36px" }} />}
              {visible.map((each, i) => (
                <col key={each.id} style={i === 0 ? {} : { width: `${least(each, i)}px` }} />
              ))}
            </colgroup>
            <thead>
              <tr aria-rowindex={1}>
                {props.bulk && (
                  <th scope="col" class="pick">
                    <input type="checkbox" aria-label="Select the rows in view" checked={allPicked} onChange={pickAll} />
                  </th>
                )}
                {visible.map((each) => (
                  <Head key={each.id} column={each} sort={sort} />
                ))}
              </tr>
            </thead>
            <tbody>
              {from > 0 && <tr style={{ height: `${from * ROW}px` }} aria-hidden="true" />}
              {indexes.map((index) => {
                const row = rowAt(index);
                return (
                  <Row
                    key={index}
                    index={index}
                    row={row}
                    columns={visible}
                    chosen={row !== undefined && selected.has(keyOf(row))}
                    keyOf={keyOf}
                    {...(props.bulk ? { pick } : {})}
                  />
                );
              })}
              {to < total && <tr style={{ height: `${(total - to) * ROW}px` }} aria-hidden="true" />}
            </tbody>
          </table>
          {loaded && total === 0 && search && <div class="empty">Nothing has a name like that.</div>}
        </div>
      )}
    </>
  );
}

function Head<T>({ column, sort }: { column: Column<T>; sort: string | undefined }) {
  const sorting = parseSorting(sort);
  const mine = sorting?.id === column.id;
  const direction = mine ? (sorting.down ? "descending" : "ascending") : "none";
  return (
    <th scope="col" class={column.num ? "num" : ""} aria-sort={column.sort ? direction : undefined}>
      {column.sort ? (
        <button type="button" onClick={() => setQuery({ sort: nextSorting(column, sorting) })}>
          {column.title}
          <span aria-hidden="true">{mine ? (sorting.down ? "↓" : "↑") : ""}</span>
        </button>
      ) : (
        column.title
      )}
    </th>
  );
}

interface RowProps<T> {
  index: number;
  row: T | undefined;
  columns: Column<T>[];
  chosen: boolean;
  keyOf: (row: T) => string;
  pick?: (row: T) => void;
}

function Row<T>(props: RowProps<T>) {
  // The same element again is not looked into: scrolling draws none but the rows that come.
  const { index, row, columns, chosen, pick } = props;
  return useMemo(() => <Cells {...props} />, [index, row, columns, chosen, pick]);
}

function Cells<T>({ index, row, columns, chosen, keyOf, pick }: RowProps<T>) {
  if (row === undefined) {
    return (
      <tr aria-rowindex={index + 2} aria-busy="true">
        {pick && <td />}
        <td colSpan={columns.length}>
          <span class="skeleton" />
        </td>
      </tr>
    );
  }
  return (
    <tr aria-rowindex={index + 2} aria-selected={pick ? chosen : undefined}>
      {pick && (
        <td class="pick">
          <input type="checkbox" aria-label={`Select ${keyOf(row)}`} checked={chosen} onChange={() => pick(row)} />
        </td>
      )}
      {columns.map((each, i) => (
        <td key={each.id} class={`${each.num ? "num" : ""} ${i === 0 ? "name" : ""}`}>
          {each.render(row)}
        </td>
      ))}
    </tr>
  );
}

const NARROW = "(max-width: 640px)";
const WIDE = "(min-width: 1500px)";

function useRoom(): Room {
  const queries = useMemo(() => [matchMedia(NARROW), matchMedia(WIDE)] as const, []);
  const read = (): Room => (queries[0].matches ? "narrow" : queries[1].matches ? "wide" : "middle");
  const [room, setRoom] = useState(read);
  useEffect(() => {
    const change = () => setRoom(read());
    for (const query of queries) query.addEventListener("change", change);
    return () => {
      for (const query of queries) query.removeEventListener("change", change);
    };
  }, []);
  return room;
}

/** A value once it has stood still: pages that are only scrolled past are not asked for. */
function useSettled(value: number): number {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}
