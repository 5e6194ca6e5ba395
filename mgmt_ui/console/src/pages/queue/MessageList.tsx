// The list: one message a row, each an address of its own; arrow keys go through it.
import type { Standing } from "../../lib/browse";
import { deathsOf } from "../../lib/deaths";
import { bytes, count, span } from "../../lib/format";
import { glance, headersOf, properties } from "../../lib/messages";
import { href, place } from "../../lib/router";
import { Marked } from "../../ui/Marked";
import { Badge } from "../../ui/parts";

interface Props {
  items: Standing[];
  open: number | undefined;
  /** What the search was for in the body. */
  wanted: string | undefined;
  picked: Set<number>;
  pick: (messages: Standing[], on: boolean) => void;
}

export function MessageList({ items, open, wanted, picked, pick }: Props) {
  const ready = items.filter(({ state }) => state === "ready");
  const all = ready.length > 0 && ready.every(({ position }) => picked.has(position));
  const step = (event: KeyboardEvent) => {
    const by = event.key === "ArrowDown" || event.key === "j" ? 1 : event.key === "ArrowUp" || event.key === "k" ? -1 : 0;
    const links = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>("a.message-line")];
    const at = links.findIndex((each) => each.parentElement?.contains(event.target as Node));
    if (event.key === " " && at >= 0 && (event.target as HTMLElement).tagName === "A") {
      event.preventDefault();
      const item = items[at];
      if (item) pick([item], !picked.has(item.position));
      return;
    }
    const next = by ? links[at < 0 ? 0 : at + by] : undefined;
    if (!next) return;
    event.preventDefault();
    next.focus();
    if (open !== undefined) next.click();
  };
  return (
    <div onKeyDown={step}>
      <div class="message-head">
        <label class="check">
          <input type="checkbox" checked={all} disabled={ready.length === 0} onChange={() => pick(ready, !all)} />
          <span class="soft">Pick all of these</span>
        </label>
        <span class="faint wide-only">
          <kbd>↑</kbd> <kbd>↓</kbd> through the list, <kbd>Enter</kbd> opens, <kbd>Space</kbd> picks
        </span>
      </div>
      <ul class="messages" aria-label="Messages">
        {items.map((each) => (
          <Line key={`${each.position} ${each.state}`} message={each} wanted={wanted} open={each.position === open} picked={picked.has(each.position)} pick={pick} />
        ))}
      </ul>
    </div>
  );
}

interface LineProps {
  message: Standing;
  wanted: string | undefined;
  open: boolean;
  picked: boolean;
  pick: Props["pick"];
}

function Line({ message, wanted, open, picked, pick }: LineProps) {
  const { position, state, routing_key: key, exchange, age } = message;
  const { parts, query } = place.value;
  const death = deathsOf(headersOf(message)).at(-1);
  const text = glance(message, wanted);
  const id = String(properties(message).message_id ?? "");
  return (
    <li class={`message-row ${open ? "open" : ""} ${picked ? "picked" : ""}`}>
      <input
        type="checkbox"
        aria-label={`Pick message ${position}`}
        title={state === "unacked" ? "A consumer has it: only that can settle it" : undefined}
        disabled={state === "unacked"}
        checked={picked}
        onChange={() => pick([message], !picked)}
      />
      <a class="message-line" href={href(parts, { ...query, m: String(position) })} aria-current={open ? "true" : undefined}>
        <span class="line-top">
          <b class="mono cut">{key || "(no key)"}</b>
          {exchange && <span class="faint cut aside">via {exchange}</span>}
          {state === "unacked" && <Badge tone="info">unacked</Badge>}
          {state === "ready" && message.redelivered && <Badge tone="warn">redelivered</Badge>}
          {death && <Badge tone="bad">died in {death.queue}</Badge>}
          <span class="grow" />
          {id && <span class="mono faint cut aside id">{id}</span>}
          <span class="faint nowrap num" title={`In the queue for ${span(age * 1000)}`}>
            {span(age * 1000)}
          </span>
        </span>
        <span class="line-bottom">
          <span class="mono cut soft grow">{text ? <Marked text={text} wanted={wanted} /> : (message.payload_bytes ? <i>binary</i> : <i>empty</i>)}</span>
          <span class="faint nowrap num">
            #{count(position)} · {bytes(message.payload_bytes)}
          </span>
        </span>
      </a>
    </li>
  );
}
