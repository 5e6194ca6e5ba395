// The search in a queue: one line of text that is understood as it is typed, and said back in words.
import { useEffect, useRef, useState } from "preact/hooks";
import { HEADER, parseQuery, type Query, TERMS, without } from "../../lib/query";
import { place, setQuery } from "../../lib/router";
import { Icon } from "../../ui/Icon";
import { Menu, Segments } from "../../ui/parts";

const STATES = [
  ["all", "All"],
  ["ready", "Ready"],
  ["unacked", "Unacked"],
] as const;

const SETTLE_MS = 350;

export function Finder({ query, busy }: { query: Query; busy: boolean }) {
  const { find = "", state = "all" } = place.value.query;
  const [text, setText] = useState(find);
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => setText(find), [find]);
  const typed = parseQuery(text);
  const search = (wanted: string) => setQuery({ find: wanted.trim(), from: "", m: "" });
  useEffect(() => {
    if (text.trim() === find || typed.problem) return;
    const timer = setTimeout(() => search(text), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  useEffect(() => {
    const slash = (event: KeyboardEvent) => {
      const inField = (event.target as HTMLElement).closest("input, textarea, select, dialog");
      if (event.key !== "/" || inField || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      box.current?.focus();
    };
    // Before the frame's own: here the search of this page is meant.
    document.addEventListener("keydown", slash, true);
    return () => document.removeEventListener("keydown", slash, true);
  }, []);
  const begin = (sign: string) => {
    setText(`${text.trim()} ${sign}`.trimStart());
    requestAnimationFrame(() => box.current?.focus());
  };
  return (
    <div class="finder">
      <form
        class="row"
        role="search"
        onSubmit={(event) => {
          event.preventDefault();
          if (!typed.problem) search(text);
        }}
      >
        <div class="search">
          <Icon name="search" />
          <input
            ref={box}
            class="input"
            type="search"
            aria-label="Search in the messages"
            placeholder="Text in the body, key:order.new, header.tenant:t1, age>10m"
            title="Text in the body, or what “Look for” offers; press / to come here"
            autocomplete="off"
            spellcheck={false}
            value={text}
            aria-invalid={typed.problem ? true : undefined}
            aria-describedby={typed.problem ? "finder-problem" : undefined}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </div>
        <Menu title="Look for" label={<>Look for <Icon name="plus" /></>}>
          {TERMS.map(({ sign, label, example }) => (
            <Choice key={sign} label={label} example={example} onClick={() => begin(sign)} />
          ))}
          <Choice label="Header" example="header.tenant:t1" onClick={() => begin(HEADER)} />
          <Choice label="Older than" example="age>10m" onClick={() => begin("age>")} />
          <Choice label="Younger than" example="age<30s" onClick={() => begin("age<")} />
        </Menu>
        <Segments label="Which messages" options={STATES} value={state as "all"} onChange={(value) => setQuery({ state: value === "all" ? "" : value, from: "", m: "" })} />
        {busy && <span class="spinner" role="img" aria-label="Looking" />}
      </form>
      {typed.problem && (
        <p class="error-text" id="finder-problem" role="alert">
          {typed.problem}
        </p>
      )}
      {query.pieces.length > 0 && (
        <div class="row">
          {query.pieces.map((piece) => (
            <button key={piece.text} type="button" class="chip" aria-label={`No longer: ${piece.words}`} onClick={() => search(without(find, piece))}>
              {piece.words} <Icon name="close" />
            </button>
          ))}
        </div>
      )}
    </div>
  );
}

function Choice({ label, example, onClick }: { label: string; example: string; onClick: () => void }) {
  return (
    <button type="button" onClick={onClick}>
      <span class="grow">{label}</span> <code class="faint">{example}</code>
    </button>
  );
}
