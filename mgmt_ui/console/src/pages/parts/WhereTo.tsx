// Where a message would go, asked of the broker as one types: nothing is published.
import { useEffect, useState } from "preact/hooks";
import { post } from "../../lib/api";
import { plural, span } from "../../lib/format";
import { parseJson, toJson } from "../../lib/json";
import { exchangeHref, exchangePath, queueHref } from "../../lib/paths";
import { place, setQuery } from "../../lib/router";
import { type Routing, type Step, storyOf, wayOf } from "../../lib/routing";
import type { Arguments } from "../../lib/types";
import { ArgumentsField, type Entry, toArguments, toEntries } from "../../ui/ArgumentsField";
import { Text } from "../../ui/Field";
import { Icon } from "../../ui/Icon";
import { Badge, Card, Problem } from "../../ui/parts";
import "../../styles/routing.css";

const TYPE_MS = 120;

interface Props {
  vhost: string;
  /** "" for the default exchange. */
  name: string;
  type: string;
  /** Whatever changes when the answer may: the answer is asked for again. */
  version: unknown;
  onPublish?: () => void;
}

export function WhereTo({ vhost, name, type, version, onPublish }: Props) {
  const key = place.value.query.key ?? "";
  const [entries, setEntries] = useState<Entry[]>(() => toEntries(headersOfAddress()) ?? []);
  const headers = toArguments(entries);
  const change = (next: Entry[]) => {
    setEntries(next);
    const given = toArguments(next);
    setQuery({ headers: Object.keys(given).length ? toJson(given) : "" });
  };
  const { found, error } = useRouting(exchangePath({ vhost, name }), key, headers, version);
  return (
    <Card
      title="Where would this go?"
      tools={
        onPublish && (
          <button type="button" class="button small" onClick={onPublish}>
            <Icon name="send" /> Publish this
          </button>
        )
      }
    >
      <div class="stack">
        <Text
          label="Routing key"
          mono
          value={key}
          placeholder={EXAMPLES[type] ?? ""}
          onChange={(text) => setQuery({ key: text })}
        />
        <ArgumentsField label="Headers" entries={entries} onChange={change} />
        {error && <Problem error={error} />}
        <div role="status" aria-live="polite">
          {found && <Answer vhost={vhost} found={found} />}
        </div>
      </div>
    </Card>
  );
}

/** The headers that the address gives the message. */
export function headersOfAddress(): Arguments {
  try {
    const value = parseJson<unknown>(place.value.query.headers ?? "{}");
    return value !== null && typeof value === "object" && !Array.isArray(value) ? (value as Arguments) : {};
  } catch {
    return {};
  }
}

const EXAMPLES: Record<string, string> = {
  topic: "as order.paid",
  direct: "the key as it is bound",
  fanout: "of no effect here",
  headers: "of no effect here: headers count",
};

/** The newest answer; the one before stays until it is there. */
function useRouting(where: string, key: string, headers: Arguments, version: unknown) {
  const [found, setFound] = useState<Routing>();
  const [error, setError] = useState<Error>();
  const given = toJson(headers);
  useEffect(() => {
    let gone = false;
    const timer = setTimeout(() => {
      post<Routing>(`${where}/route`, { routing_key: key, headers: parseJson<Arguments>(given) }).then(
        (answer) => {
          if (gone) return;
          setFound(answer);
          setError(undefined);
        },
        (reason: Error) => {
          if (!gone) setError(reason);
        },
      );
    }, TYPE_MS);
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [where, key, given, version]);
  return { found, error };
}

function Answer({ vhost, found }: { vhost: string; found: Routing }) {
  return (
    <div class="where-to">
      <p class={found.routed ? "" : "nowhere"}>
        <Icon name={found.routed ? "check" : "alert"} /> {storyOf(found)}
        {found.delay > 0 && ` It waits ${span(found.delay)} first.`}
      </p>
      {found.queues.length > 0 && (
        <ul class="targets" aria-label={plural(found.queues.length, "queue")}>
          {found.queues.map((queue) => (
            <li key={queue.name}>
              <Icon name="queue" />
              <a href={queueHref({ vhost, name: queue.name })}>{queue.name}</a>
              {queue.type !== "classic" && <Badge>{queue.type}</Badge>}
              {queue.paused && <Badge tone="warn">paused</Badge>}
              {queue.full && <Badge tone="bad">full: it would refuse</Badge>}
            </li>
          ))}
        </ul>
      )}
      {found.path.length > 0 && (
        <details open={found.path.length > 1 || undefined}>
          <summary>Why</summary>
          <ol class="ways">
            {found.path.map((step) => (
              <Way key={`${step.exchange} ${step.alternate}`} vhost={vhost} step={step} />
            ))}
          </ol>
        </details>
      )}
    </div>
  );
}

function Way({ vhost, step }: { vhost: string; step: Step }) {
  return (
    <li>
      <a href={exchangeHref({ vhost, name: step.exchange })}>{step.exchange || "(default exchange)"}</a>{" "}
      <span class="faint">{step.type}</span>
      {step.destinations.length === 0 && <span class="soft">: nothing fits</span>}
      <ul>
        {step.destinations.map((each) => (
          <li key={`${each.destination_type} ${each.destination}`}>
            <span aria-hidden="true">→ </span>
            <b>{each.destination}</b> <span class="soft">{wayOf(step, each)}</span>
          </li>
        ))}
      </ul>
    </li>
  );
}
