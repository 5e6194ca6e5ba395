// What stands above a table: search, the choice of columns, and what to do with chosen rows.
import type { Signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { get } from "../lib/api";
import { runAll } from "../lib/bulk";
import { count } from "../lib/format";
import { setQuery } from "../lib/router";
import type { Page } from "../lib/types";
import type { Column } from "./columns";
import { Icon, type IconName } from "./Icon";
import { Menu } from "./parts";
import { complain } from "./Toasts";

const TYPE_MS = 160;

export function SearchBox(props: { noun: string; by: string | undefined; search: string; regex: boolean; invalid: boolean }) {
  const [text, setText] = useState(props.search);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => setText(props.search), [props.search]);
  const typed = (value: string) => {
    setText(value);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setQuery({ q: value }), TYPE_MS);
  };
  return (
    <div class="search">
      <Icon name="search" />
      <input
        class="input"
        type="search"
        data-search
        placeholder={`Search ${props.noun}${props.by ? ` by ${props.by}` : ""}`}
        aria-label={`Search ${props.noun} by ${props.by ?? "name"}`}
        aria-invalid={props.invalid}
        spellcheck={false}
        autocomplete="off"
        value={text}
        onInput={(event) => typed(event.currentTarget.value)}
      />
      <button
        type="button"
        class="button quiet small regex"
        aria-pressed={props.regex}
        aria-label="Search by regular expression"
        title="Search by regular expression"
        onClick={() => setQuery({ regex: props.regex ? "" : "1" })}
      >
        .*
      </button>
    </div>
  );
}

export function ColumnChooser<T>({ columns, chosen }: { columns: Column<T>[]; chosen: Signal<string[]> }) {
  const toggle = (id: string) => {
    const now = chosen.value;
    chosen.value = now.includes(id) ? now.filter((each) => each !== id) : [...now, id];
  };
  return (
    <Menu
      title="Choose columns"
      label={
        <>
          <Icon name="columns" /> <span class="wide-only">Columns</span>
        </>
      }
    >
      {columns.slice(1).map(({ id, title, group }) => (
        <label class="check" key={id}>
          <input type="checkbox" checked={chosen.value.includes(id)} onChange={() => toggle(id)} />
          {group ? `${group}: ${title.toLowerCase()}` : title}
        </label>
      ))}
    </Menu>
  );
}

export interface BulkAction<T> {
  label: string;
  icon: IconName;
  danger?: boolean;
  /** Asks first; resolves to false to leave it. */
  ask: (rows: T[]) => Promise<boolean>;
  run: (row: T) => Promise<unknown>;
  /** Whether the user may do it to a row; it is offered where that is so for all that are chosen. */
  may?: (row: T) => boolean;
  /** `3 queues deleted`. */
  done: string;
}

interface BulkProps<T> {
  selected: T[];
  total: number;
  noun: [string, string];
  actions: BulkAction<T>[];
  all: { path: string; search: string; regex: boolean; always: string[] };
  onSelect: (rows: T[]) => void;
}

export function Bulk<T>({ selected, total, noun, actions, all, onSelect }: BulkProps<T>) {
  const [busy, setBusy] = useState("");
  const offered = actions.filter((each) => selected.every((row) => each.may?.(row) ?? true));
  const act = async (action: BulkAction<T>) => {
    if (!(await action.ask(selected))) return;
    await runAll(selected, action.run, noun, action.done, setBusy);
    setBusy("");
    onSelect([]);
  };
  const everything = async () => {
    setBusy("Looking for all of them…");
    try {
      onSelect(await matching<T>(all));
    } catch (error) {
      complain(error);
    }
    setBusy("");
  };
  return (
    <div class="bulk" role="toolbar" aria-label={`Actions for the chosen ${noun[1]}`}>
      <b>{count(selected.length)} chosen</b>
      {selected.length < total && (
        <button type="button" class="button quiet small" onClick={everything}>
          Choose all {count(total)}
        </button>
      )}
      <button type="button" class="button quiet small" onClick={() => onSelect([])}>
        Choose none
      </button>
      <span style={{ flex: 1 }} role="status">
        {busy}
      </span>
      {offered.length === 0 && <span class="soft">You may not change all of these.</span>}
      {offered.map((each) => (
        <button
          key={each.label}
          type="button"
          class={`button small ${each.danger ? "danger" : ""}`}
          disabled={busy !== ""}
          onClick={() => act(each)}
        >
          <Icon name={each.icon} /> {each.label}
        </button>
      ))}
    </div>
  );
}

async function matching<T>({ path, search, regex, always }: BulkProps<T>["all"]): Promise<T[]> {
  const found: T[] = [];
  for (let page = 1, pages = 1; page <= pages; page += 1) {
    const query = new URLSearchParams({ page: String(page), page_size: "500", columns: always.join(",") });
    if (search) query.set("name", search);
    if (regex) query.set("use_regex", "true");
    const answer = await get<Page<T>>(`${path}?${query}`);
    found.push(...answer.items);
    pages = answer.page_count;
  }
  return found;
}
