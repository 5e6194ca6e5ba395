// One message, whole: its body in any form, its properties and headers, how it died, and what can be
// done with it.
import { useEffect, useState } from "preact/hooks";
import { answered, asked, askFor } from "../../lib/asked";
import { fetchMessage, type Standing } from "../../lib/browse";
import { story } from "../../lib/deaths";
import { count, span } from "../../lib/format";
import { toJson } from "../../lib/json";
import { asCommand, headersOf, kindOf, portable, properties } from "../../lib/messages";
import { channelHref, DEFAULT_EXCHANGE, exchangeHref, queueHref, queuePath } from "../../lib/paths";
import { useMay } from "../../lib/rights";
import { setQuery } from "../../lib/router";
import { serverNow, shownTime } from "../../lib/time";
import type { Queue } from "../../lib/types";
import { CopyButton } from "../../ui/CopyButton";
import { Icon } from "../../ui/Icon";
import { Badge, Empty, IconButton, Menu, Problem, When } from "../../ui/parts";
import { Publish } from "../forms/Publish";
import { type Asked, WorkDialog } from "./WorkDialog";
import { BodyView } from "./BodyView";

/** Octets of a body that are fetched at once; all of it when asked for. */
const AT_FIRST = 64 << 10;
const ALL = 16 << 20;

interface Props {
  queue: Queue;
  position: number;
  /** What the search was for in the body. */
  wanted: string | undefined;
  /** Those of the list, to step through. */
  items: Standing[];
  onDone: () => void;
}

export function MessagePane({ queue, position, wanted, items, onDone }: Props) {
  const [message, setMessage] = useState<Standing | null>();
  const [error, setError] = useState<Error>();
  const [most, setMost] = useState(AT_FIRST);
  const where = queuePath(queue);
  useEffect(() => {
    const control = new AbortController();
    fetchMessage(where, position, most, control.signal)
      .then((found) => setMessage(found ?? null))
      .catch((problem: Error) => problem.name === "AbortError" || setError(problem));
    return () => control.abort();
  }, [where, position, most]);
  const close = () => setQuery({ m: "" });
  const index = items.findIndex((each) => each.position === position);
  const step = (by: number) => items[index + by] && setQuery({ m: String(items[index + by]?.position) });
  return (
    <section
      class="message-pane"
      aria-label={`Message ${position}`}
      onKeyDown={(event) => {
        if (event.key === "Escape" && !(event.target as HTMLElement).closest("dialog, .menu")) close();
      }}
    >
      <header>
        <h2>
          Message <span class="num">#{count(position)}</span>
        </h2>
        {message && <Condition message={message} />}
        <span class="grow" />
        <IconButton icon="left" label="The one before" onClick={() => step(-1)} />
        <IconButton icon="right" label="The next one" onClick={() => step(1)} />
        <IconButton icon="close" label="Close the message" onClick={close} />
      </header>
      {error && <Problem error={error} />}
      {message === null && (
        <Empty title="This message is no longer here">
          <p class="soft">It was consumed, expired, moved or deleted since the link to it was made.</p>
          <button type="button" class="button" onClick={close}>
            Back to the list
          </button>
        </Empty>
      )}
      {message && (
        <div class="inside">
          <Tools queue={queue} message={message} onDone={onDone} />
          <Life message={message} queue={queue} />
          <BodyView message={message} wanted={wanted} onAll={most === ALL ? undefined : () => setMost(ALL)} />
          <Properties message={message} vhost={queue.vhost} />
          <Headers message={message} />
        </div>
      )}
    </section>
  );
}

function Condition({ message }: { message: Standing }) {
  return (
    <>
      <Badge tone={message.state === "ready" ? "good" : "info"}>{message.state === "ready" ? "ready" : "unacknowledged"}</Badge>
      {message.redelivered && message.state === "ready" && <Badge tone="warn">redelivered</Badge>}
    </>
  );
}

const KINDS = ["move", "requeue", "redrive", "delete"] as const;

function Tools({ queue, message, onDone }: { queue: Queue; message: Standing; onDone: () => void }) {
  const may = useMay();
  const writable = may("write", queue.vhost, queue.name);
  const publishable = may("write", queue.vhost, message.exchange || DEFAULT_EXCHANGE);
  const text = () => toJson(portable(message), 2);
  const begin = (kind: Asked["kind"]) => () => askFor(`${kind}-this`);
  const takeable = message.state === "ready" && queue.type !== "stream";
  const kind = KINDS.find((each) => asked() === `${each}-this`);
  return (
    <div class="row">
      <CopyButton text={text} label="Copy as JSON" />
      <CopyButton text={() => asCommand(message, queue.vhost, location.origin)} label="Copy as curl" />
      <span class="grow" />
      {publishable && (
        <button type="button" class="button small" disabled={message.truncated} title={message.truncated ? "Show all of the body first" : undefined} onClick={() => askFor("again")}>
          <Icon name="send" /> Publish again…
        </button>
      )}
      {takeable && (
        <Menu kind="small" title="What to do with this message" label={<Icon name="more" />}>
          {writable && (
            <button type="button" onClick={begin("requeue")}>
              <Icon name="refresh" /> To the end of the queue…
            </button>
          )}
          <button type="button" onClick={begin("move")}>
            <Icon name="move" /> Move…
          </button>
          {story(headersOf(message), "").length > 0 && (
            <button type="button" onClick={begin("redrive")}>
              <Icon name="undo" /> Back to where it died…
            </button>
          )}
          <button type="button" onClick={begin("delete")}>
            <Icon name="trash" /> Delete…
          </button>
        </Menu>
      )}
      {kind && takeable && <WorkDialog key={kind} queue={queue} asked={{ kind, picked: [message.position] }} onClose={answered} onDone={onDone} />}
      {asked() === "again" && publishable && !message.truncated && (
        <Publish vhost={queue.vhost} exchange={message.exchange} like={message} onClose={answered} />
      )}
    </div>
  );
}

/** What became of it so far: with whom it is, or how it died. */
function Life({ message, queue }: { message: Standing; queue: Queue }) {
  const steps = story(headersOf(message), queue.name);
  const holder = message.channel_details;
  return (
    <>
      {message.state === "unacked" && (
        <p class="banner info">
          <span>
            {holder ? (
              <>
                Consumer <b>{message.consumer_tag || "(by basic.get)"}</b> on <a href={channelHref(holder.name)}>{holder.name}</a> has it and
                has not acknowledged it. It comes back when it is rejected, or when the channel ends.
              </>
            ) : (
              "Somebody has taken it by basic.get and has not acknowledged it. It comes back when the channel ends."
            )}
          </span>
        </p>
      )}
      {steps.length > 0 && (
        <div>
          <h3>How it died</h3>
          <ol class="story">
            {steps.map(({ text, queue: name, at, end }) => (
              <li key={`${text} ${name}`} class={end ? "end" : ""}>
                {text} {end ? <b>{name}</b> : <a href={queueHref({ vhost: queue.vhost, name: name ?? "" })}>{name}</a>}
                {at !== undefined && <small class="faint">first <When time={at} /></small>}
              </li>
            ))}
          </ol>
        </div>
      )}
    </>
  );
}

function Properties({ message, vhost }: { message: Standing; vhost: string }) {
  const given = Object.entries(properties(message)).filter(([name]) => name !== "headers");
  return (
    <div>
      <h3>Properties</h3>
      <table class="table values">
        <tbody>
          <Row name="Exchange">
            <a href={exchangeHref({ vhost, name: message.exchange })}>{message.exchange || "(default exchange)"}</a>
          </Row>
          <Row name="Routing key" copy={message.routing_key}>
            <code>{message.routing_key}</code>
          </Row>
          <Row name="In the queue for">
            {span(message.age * 1000)} <span class="faint">(since {shownTime(serverNow() - message.age * 1000)})</span>
          </Row>
          {message.expires_in !== undefined && <Row name="Expires">in {span(message.expires_in)}</Row>}
          {message.offset !== undefined && <Row name="Offset">{count(message.offset)}</Row>}
          {given.map(([name, value]) => (
            <Row key={name} name={titled(name)} copy={String(value)}>
              {shown(name, value)}
            </Row>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Headers({ message }: { message: Standing }) {
  const headers = Object.entries(headersOf(message));
  if (!headers.length) return null;
  return (
    <div>
      <h3>Headers</h3>
      <table class="table values">
        <tbody>
          {headers.map(([name, value]) => {
            const text = typeof value === "string" ? value : toJson(value, typeof value === "object" ? 1 : 0);
            return (
              <Row key={name} name={name} mono copy={text} kind={kindOf(value)}>
                <code class="prewrap">{text}</code>
              </Row>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function Row(props: { name: string; copy?: string; mono?: boolean; kind?: string; children: preact.ComponentChildren }) {
  return (
    <tr>
      <th scope="row" class={props.mono ? "mono" : ""}>
        {props.name}
        {props.kind && <small class="faint">{props.kind}</small>}
      </th>
      <td>{props.children}</td>
      <td class="num">{props.copy !== undefined && <CopyButton text={() => props.copy ?? ""} label={`Copy ${props.name}`} bare />}</td>
    </tr>
  );
}

function titled(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1).replaceAll("_", " ");
}

function shown(name: string, value: unknown): preact.ComponentChildren {
  if (name === "delivery_mode") return value === 2 ? "2, persistent" : `${value}, transient`;
  if (name === "timestamp" && typeof value === "number") return <When time={value * 1000} />;
  if (name === "expiration") return `${span(Number(value))} (${value} ms)`;
  return String(value);
}

