// Arguments of a queue, an exchange or a binding: rows of key, type and value, with the known keys
// at hand.
import { useId } from "preact/hooks";
import { toNumber } from "../lib/json";
import type { Arguments } from "../lib/types";
import { explain } from "../lib/words";
import { Icon } from "./Icon";

export type Kind = "string" | "number" | "boolean" | "list";

export interface Entry {
  key: string;
  kind: Kind;
  value: string;
}

/** A key that can be put in with one press. */
export interface Known {
  key: string;
  label: string;
  kind: Kind;
  value: string;
}

export function toArguments(entries: Entry[]): Arguments {
  return Object.fromEntries(
    entries.filter(({ key }) => key.trim()).map(({ key, kind, value }) => [key.trim(), typed(kind, value)]),
  );
}

/** Rows for arguments that are there; null where one is neither a plain value nor a list of texts. */
export function toEntries(given: Arguments): Entry[] | null {
  const rows = Object.entries(given).map(([key, value]): Entry | null => {
    if (typeof value === "bigint") return { key, kind: "number", value: String(value) };
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
      return { key, kind: typeof value as Kind, value: String(value) };
    }
    const texts = Array.isArray(value) && value.every((each) => typeof each === "string" && !each.includes(","));
    return texts ? { key, kind: "list", value: value.join(", ") } : null;
  });
  return rows.every((row) => row !== null) ? rows : null;
}

function typed(kind: Kind, value: string): unknown {
  if (kind === "number") return toNumber(value);
  if (kind === "boolean") return value === "true";
  if (kind === "list") return value.split(",").map((each) => each.trim());
  return value;
}

interface Props {
  label: string;
  entries: Entry[];
  known?: Known[];
  onChange: (entries: Entry[]) => void;
}

export function ArgumentsField({ label, entries, known = [], onChange }: Props) {
  const id = useId();
  const change = (index: number, part: Partial<Entry>) =>
    onChange(entries.map((each, i) => (i === index ? { ...each, ...part } : each)));
  const unused = known.filter(({ key }) => !entries.some((each) => each.key === key));
  return (
    <fieldset class="field all" style={{ border: 0, margin: 0, padding: 0 }}>
      <legend class="label soft" style={{ padding: 0, fontSize: "12.5px", fontWeight: 550 }}>
        {label}
      </legend>
      {entries.map((entry, i) => (
        <div key={i} class="stack" style={{ gap: "2px" }}>
          <div class="row" style={{ flexWrap: "nowrap" }}>
            <input
              class="input mono"
              aria-label="Key"
              list={`${id}-keys`}
              value={entry.key}
              onInput={(event) => change(i, { key: event.currentTarget.value })}
            />
            <select
              class="select"
              style={{ width: "104px", flex: "none" }}
              aria-label="Type"
              value={entry.kind}
              onChange={(event) => change(i, { kind: event.currentTarget.value as Kind })}
            >
              <option value="string">Text</option>
              <option value="number">Number</option>
              <option value="boolean">Yes/no</option>
              <option value="list">List</option>
            </select>
            {entry.kind === "boolean" ? (
              <select
                class="select"
                aria-label="Value"
                value={entry.value}
                onChange={(event) => change(i, { value: event.currentTarget.value })}
              >
                <option value="true">yes</option>
                <option value="false">no</option>
              </select>
            ) : (
              <input
                class="input mono"
                aria-label="Value"
                inputMode={entry.kind === "number" ? "numeric" : "text"}
                value={entry.value}
                onInput={(event) => change(i, { value: event.currentTarget.value })}
              />
            )}
            <button
              type="button"
              class="button quiet icon"
              aria-label="Leave out"
              onClick={() => onChange(entries.filter((_, other) => other !== i))}
            >
              <Icon name="close" />
            </button>
          </div>
          {entry.key && <small>{explain(entry.key, typed(entry.kind, entry.value))}</small>}
        </div>
      ))}
      <datalist id={`${id}-keys`}>
        {known.map(({ key }) => (
          <option key={key} value={key} />
        ))}
      </datalist>
      <div class="row" style={{ gap: "4px" }}>
        {unused.map(({ key, label: text, kind, value }) => (
          <button
            key={key}
            type="button"
            class="button small"
            title={key}
            onClick={() => onChange([...entries.filter((each) => each.key), { key, kind, value }])}
          >
            <Icon name="plus" /> {text}
          </button>
        ))}
        <button
          type="button"
          class="button quiet small"
          onClick={() => onChange([...entries, { key: "", kind: "string", value: "" }])}
        >
          <Icon name="plus" /> {known.length > 0 ? "Another" : "Add one"}
        </button>
      </div>
    </fieldset>
  );
}
