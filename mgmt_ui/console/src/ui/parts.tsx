// Small parts that all pages share.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { adding } from "../lib/asked";
import { relative } from "../lib/format";
import { bothTimes, now, shownTime } from "../lib/time";
import { Icon, type IconName } from "./Icon";

type Children = { children?: ComponentChildren };
export type Tone = "good" | "warn" | "bad" | "info" | "accent" | "";

export function Card(props: Children & { title?: ComponentChildren; tools?: ComponentChildren; flush?: boolean }) {
  return (
    <section class="card">
      {props.title !== undefined && (
        <header>
          <h2>{props.title}</h2>
          <span class="grow" />
          {props.tools}
        </header>
      )}
      {props.flush ? props.children : <div class="body">{props.children}</div>}
    </section>
  );
}

/** Above a list: opens the dialog that adds to it (`adding`), unless it is told to do otherwise. */
export function AddButton({ children, onClick = adding.begin }: Children & { onClick?: () => void }) {
  return (
    <button type="button" class="button primary" onClick={onClick}>
      <Icon name="plus" /> {children}
    </button>
  );
}

export function Badge(props: Children & { tone?: Tone; title?: string }) {
  return (
    <span class={`badge ${props.tone ?? ""}`} title={props.title}>
      {props.children}
    </span>
  );
}

/** A state in a word, with a sign whose shape tells it without its colour. */
export function State(props: Children & { tone: Tone }) {
  return (
    <span class="row nowrap" style={{ gap: "7px", flexWrap: "nowrap" }}>
      <span class={`dot ${props.tone}`} />
      {props.children}
    </span>
  );
}

/** A point in time as distance, with the whole of it for who points at it. */
export function Ago({ time }: { time: number | string | null | undefined }) {
  if (!time) return <span class="faint">–</span>;
  const at = typeof time === "string" ? Date.parse(time) : time;
  return (
    <time dateTime={new Date(at).toISOString()} title={bothTimes(at)}>
      {relative(at, now.value)}
    </time>
  );
}

/** A point in time, as distance and as the clock said: where there is room for both. */
export function When({ time }: { time: number | string | null | undefined }) {
  if (!time) return <span class="faint">–</span>;
  const at = typeof time === "string" ? Date.parse(time) : time;
  return (
    <time dateTime={new Date(at).toISOString()} title={bothTimes(at)}>
      {relative(at, now.value)} <span class="faint">({shownTime(at)})</span>
    </time>
  );
}

export function Meter({ share, warnAt = 0.75, badAt = 0.95 }: { share: number; warnAt?: number; badAt?: number }) {
  const tone = share >= badAt ? "bad" : share >= warnAt ? "warn" : "";
  const width = `${Math.max(0, Math.min(1, share)) * 100}%`;
  return (
    <div class={`meter ${tone}`} aria-hidden="true">
      <i style={{ width }} />
    </div>
  );
}

interface TileProps {
  label: string;
  value: ComponentChildren;
  note?: ComponentChildren;
  tone?: Tone;
  href?: string;
  share?: number;
}

export function Tile({ label, value, note, tone = "", href, share }: TileProps) {
  const inside = (
    <>
      <div class="label">{label}</div>
      <div class="value">{value}</div>
      {note !== undefined && <div class="note">{note}</div>}
      {share !== undefined && <Meter share={share} />}
    </>
  );
  const kind = `tile ${tone}`;
  return href ? (
    <a class={kind} href={href}>
      {inside}
    </a>
  ) : (
    <div class={kind}>{inside}</div>
  );
}

export function Facts({ of }: { of: [string, ComponentChildren][] }) {
  return (
    <dl class="facts">
      {of.map(([term, value]) => [<dt key={term}>{term}</dt>, <dd key={`${term}=`}>{value}</dd>])}
    </dl>
  );
}

interface SegmentsProps<T extends string> {
  label: string;
  options: readonly (readonly [T, string])[];
  value: T;
  onChange: (value: T) => void;
}

export function Segments<T extends string>({ label, options, value, onChange }: SegmentsProps<T>) {
  return (
    <div class="segments" role="group" aria-label={label}>
      {options.map(([each, text]) => (
        <button key={each} type="button" aria-pressed={each === value} onClick={() => onChange(each)}>
          {text}
        </button>
      ))}
    </div>
  );
}

interface TabsProps {
  label: string;
  options: readonly (readonly [string, ComponentChildren])[];
  value: string;
  onChange: (value: string) => void;
}

export function Tabs({ label, options, value, onChange }: TabsProps) {
  const step = (event: KeyboardEvent) => {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (!by) return;
    const index = options.findIndex(([each]) => each === value);
    const next = options[(index + by + options.length) % options.length];
    if (!next) return;
    onChange(next[0]);
    const tabs = (event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>("[role=tab]");
    tabs[(index + by + options.length) % options.length]?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label={label} onKeyDown={step}>
      {options.map(([each, text]) => (
        <button
          key={each}
          type="button"
          role="tab"
          aria-selected={each === value}
          tabIndex={each === value ? 0 : -1}
          onClick={() => onChange(each)}
        >
          {text}
        </button>
      ))}
    </div>
  );
}

export function Menu(props: Children & { label: ComponentChildren; title: string; kind?: string }) {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    const away = (event: Event) => {
      if (!root.current?.contains(event.target as Node)) setOpen(false);
    };
    const escape = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      setOpen(false);
      root.current?.querySelector<HTMLElement>("button")?.focus();
    };
    document.addEventListener("pointerdown", away);
    document.addEventListener("keydown", escape);
    return () => {
      document.removeEventListener("pointerdown", away);
      document.removeEventListener("keydown", escape);
    };
  }, [open]);
  const chosen = (event: Event) => {
    if ((event.target as HTMLElement).closest("button, a")) setOpen(false);
  };
  return (
    <div class="menu" ref={root}>
      <button
        type="button"
        class={`button ${props.kind ?? ""}`}
        aria-expanded={open}
        aria-label={props.title}
        title={props.title}
        onClick={() => setOpen(!open)}
      >
        {props.label}
      </button>
      {open && (
        <div class="sheet" onClick={chosen}>
          {props.children}
        </div>
      )}
    </div>
  );
}

export function IconButton(props: { icon: IconName; label: string; onClick: () => void; kind?: string }) {
  return (
    <button
      type="button"
      class={`button icon ${props.kind ?? "quiet"}`}
      aria-label={props.label}
      title={props.label}
      onClick={props.onClick}
    >
      <Icon name={props.icon} />
    </button>
  );
}

/** Text to take away: code, a name, a payload. */
/** `children` is the text as it is shown, where it is more than letters. */
export function Snippet({ text, label = "Copy", children }: Children & { text: string; label?: string }) {
  const [done, setDone] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setDone(true);
    setTimeout(() => setDone(false), 1500);
  };
  return (
    <div class="snippet">
      <pre tabIndex={0}>{children ?? text}</pre>
      <button type="button" class="button small" onClick={copy} aria-live="polite">
        <Icon name={done ? "check" : "copy"} />
        {done ? "Copied" : label}
      </button>
    </div>
  );
}

export function Empty(props: Children & { title: string }) {
  return (
    <div class="empty">
      <h2>{props.title}</h2>
      {props.children}
    </div>
  );
}

/** What went wrong and what to do about it. */
export function Problem({ error, retry }: { error: Error; retry?: () => void }) {
  return (
    <div class="banner bad" role="alert">
      <Icon name="alert" />
      <span>{error.message}</span>
      {retry && (
        <button type="button" class="button small" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}
