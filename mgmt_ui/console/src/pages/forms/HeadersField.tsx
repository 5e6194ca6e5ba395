// The headers of a message: rows of key, type and value, or JSON for what rows cannot hold.
import { useState } from "preact/hooks";
import { parseJson, toJson } from "../../lib/json";
import type { Arguments } from "../../lib/types";
import { ArgumentsField, type Entry, toArguments, toEntries } from "../../ui/ArgumentsField";
import { Area } from "../../ui/Field";

/** `text` where they are written as JSON, else rows. */
export interface HeadersText {
  rows: Entry[];
  text: string | null;
}

/** As rows where these can hold them. */
export function headersFrom(table: Arguments): HeadersText {
  const rows = toEntries(table);
  return rows ? { rows, text: null } : { rows: [], text: toJson(table, 2) };
}

/** The headers; throws with what is wrong with the JSON. */
export function headersValue({ rows, text }: HeadersText): Arguments {
  if (text === null) return toArguments(rows);
  if (!text.trim()) return {};
  const value: unknown = parsed(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error("Headers are a JSON object, as {\"tenant\": \"t1\"}.");
  return value as Arguments;
}

function parsed(text: string): unknown {
  try {
    return parseJson<unknown>(text);
  } catch (error) {
    throw new Error(`The headers are no JSON: ${(error as Error).message}`);
  }
}

export function HeadersField({ value, onChange }: { value: HeadersText; onChange: (next: HeadersText) => void }) {
  const [problem, setProblem] = useState("");
  const toRows = () => {
    try {
      const next = headersFrom(headersValue(value));
      setProblem(next.text === null ? "" : "Some of these are tables or mixed lists, which rows cannot hold.");
      onChange(next);
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  const toText = () => onChange({ rows: [], text: toJson(toArguments(value.rows), 2) });
  return (
    <div class="all">
      {value.text === null ? (
        <ArgumentsField label="Headers" entries={value.rows} onChange={(rows) => onChange({ rows, text: null })} />
      ) : (
        <Area label="Headers (JSON)" rows={5} value={value.text} error={problem || undefined} onChange={(text) => onChange({ rows: [], text })} />
      )}
      <button type="button" class="link" onClick={value.text === null ? toText : toRows}>
        {value.text === null ? "Write them as JSON" : "Write them as rows"}
      </button>
    </div>
  );
}
