// Publishing a message by hand: to a queue, or through an exchange.
import { useState } from "preact/hooks";
import { path, post } from "../../lib/api";
import { refresh } from "../../lib/live";
import { headersOf, type Message, properties } from "../../lib/messages";
import { DEFAULT_EXCHANGE } from "../../lib/paths";
import { serverNow } from "../../lib/time";
import type { Arguments } from "../../lib/types";
import { ArgumentsField, type Entry, toArguments } from "../../ui/ArgumentsField";
import { Dialog } from "../../ui/Dialog";
import { Check, Field, Select, Text } from "../../ui/Field";
import { complain, say } from "../../ui/Toasts";

export interface PublishProps {
  vhost: string;
  /** "" for the default exchange. */
  exchange: string;
  /** Where a queue is published to, its name. */
  routingKey?: string;
  /** What to begin with: a message, or some of it. */
  like?: Message;
  firstKey?: string;
  firstHeaders?: Arguments;
  onClose: () => void;
}

const TEXTS: [string, string][] = [
  ["content_type", "Content type"],
  ["content_encoding", "Content encoding"],
  ["message_id", "Message id"],
  ["correlation_id", "Correlation id"],
  ["reply_to", "Reply to"],
  ["expiration", "Expires after (ms)"],
  ["type", "Type"],
  ["app_id", "Application id"],
  ["user_id", "User id"],
];

export function Publish({ vhost, exchange, routingKey, like, firstKey, firstHeaders, onClose }: PublishProps) {
  const before = like ? properties(like) : {};
  const [key, setKey] = useState(routingKey ?? like?.routing_key ?? firstKey ?? "");
  const [payload, setPayload] = useState(like?.payload ?? "");
  const [encoding, setEncoding] = useState<string>(like?.payload_encoding ?? "string");
  const [persistent, setPersistent] = useState(before.delivery_mode !== 1);
  const [priority, setPriority] = useState(before.priority === undefined ? "" : String(before.priority));
  const [timed, setTimed] = useState(false);
  const [texts, setTexts] = useState<Record<string, string>>(
    Object.fromEntries(TEXTS.map(([name]) => [name, before[name] === undefined ? "" : String(before[name])])),
  );
  const [headers, setHeaders] = useState<Entry[]>(entriesOf(like ? headersOf(like) : (firstHeaders ?? {})));
  const [problem, setProblem] = useState("");
  const [again, setAgain] = useState(false);

  const send = async () => {
    const kept = Object.entries(texts).filter(([, value]) => value);
    const message = {
      routing_key: key,
      payload,
      payload_encoding: encoding,
      properties: {
        ...Object.fromEntries(kept),
        delivery_mode: persistent ? 2 : 1,
        ...(priority ? { priority: Number(priority) } : {}),
        ...(timed ? { timestamp: Math.floor(serverNow() / 1000) } : {}),
        ...(headers.length ? { headers: toArguments(headers) } : {}),
      },
    };
    setProblem("");
    try {
      const where = `${path("exchanges", vhost, exchange || DEFAULT_EXCHANGE)}/publish`;
      const { routed } = await post<{ routed: boolean }>(where, message);
      if (routed) say("Published: the broker has it.");
      else complain(new Error("No queue wanted this message: nothing is bound that fits its key and headers."));
      refresh();
      if (!again) onClose();
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  return (
    <Dialog
      wide
      title={exchange || !routingKey ? `Publish through ${exchange || "the default exchange"}` : `Publish to ${routingKey}`}
      onClose={onClose}
      onSubmit={send}
      footer={
        <>
          <Check label="Stay open" value={again} onChange={setAgain} />
          <span style={{ flex: 1 }} />
          <button type="button" class="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="button primary">
            Publish
          </button>
        </>
      }
    >
      <div class="form">
        {problem && (
          <p class="banner bad all" role="alert">
            {problem}
          </p>
        )}
        {routingKey === undefined && <Text label="Routing key" mono value={key} onChange={setKey} all autofocus />}
        <Field label="Body" all>
          {(id) => (
            <textarea
              id={id}
              class="input"
              autofocus={routingKey !== undefined}
              spellcheck={false}
              value={payload}
              onInput={(event) => setPayload(event.currentTarget.value)}
            />
          )}
        </Field>
        <Select
          label="Encoding"
          value={encoding}
          onChange={setEncoding}
          options={[
            ["string", "text (UTF-8)"],
            ["base64", "octets in base64"],
          ]}
        />
        <Select
          label="Delivery mode"
          value={persistent ? "2" : "1"}
          onChange={(value) => setPersistent(value === "2")}
          options={[
            ["2", "persistent: on the disk before it is confirmed"],
            ["1", "transient: gone with a restart"],
          ]}
        />
        <ArgumentsField label="Headers" entries={headers} onChange={setHeaders} />
        <details class="all" open={kept(before)}>
          <summary>More properties</summary>
          <div class="form" style={{ paddingTop: "10px" }}>
            {TEXTS.map(([name, label]) => (
              <Text
                key={name}
                label={label}
                value={texts[name] ?? ""}
                onChange={(value) => setTexts({ ...texts, [name]: value })}
              />
            ))}
            <Text label="Priority" type="number" value={priority} onChange={setPriority} />
            <Check label="Timestamp: now" value={timed} onChange={setTimed} />
          </div>
        </details>
      </div>
    </Dialog>
  );
}

function kept(before: Record<string, unknown>): boolean {
  return TEXTS.some(([name]) => before[name] !== undefined) || before.priority !== undefined;
}

function entriesOf(headers: Record<string, unknown>): Entry[] {
  return Object.entries(headers)
    .filter(([, value]) => typeof value !== "object")
    .map(([key, value]) => ({
      key,
      kind: typeof value === "number" ? "number" : typeof value === "boolean" ? "boolean" : "string",
      value: String(value),
    }));
}
