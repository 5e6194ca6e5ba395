// Publishing a message by hand: to a queue, or through an exchange.
import { useState } from "preact/hooks";
import { path, post } from "../../lib/api";
import { relative } from "../../lib/format";
import { toNumber } from "../../lib/json";
import { refresh } from "../../lib/live";
import { headersOf, type Message, pretty, properties } from "../../lib/messages";
import { DEFAULT_EXCHANGE } from "../../lib/paths";
import { noteSent, type Sent, sent } from "../../lib/sent";
import { serverNow } from "../../lib/time";
import type { Arguments } from "../../lib/types";
import { Dialog } from "../../ui/Dialog";
import { Check, Field, Select, Text } from "../../ui/Field";
import { Icon } from "../../ui/Icon";
import { Menu } from "../../ui/parts";
import { complain, say } from "../../ui/Toasts";
import { HeadersField, headersFrom, type HeadersText, headersValue } from "./HeadersField";

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
const NUMBERS: [string, string][] = [
  ["priority", "Priority"],
  ["timestamp", "Timestamp (s)"],
];
/** What dead-lettering wrote: a copy has not died. */
const DEATHS = /^x-(first-|last-)?death/;

type Start = Pick<Message, "routing_key" | "payload" | "payload_encoding" | "properties">;

interface Draft {
  key: string;
  payload: string;
  encoding: string;
  persistent: boolean;
  plain: Record<string, string>;
  headers: HeadersText;
  /** Gets the time at which it is published. */
  timed: boolean;
}

function draftOf(from: Start | undefined, key: string | undefined): Draft {
  const given = from ? properties(from as Message) : {};
  const kept = Object.entries(from ? headersOf(from as Message) : {}).filter(([name]) => !DEATHS.test(name));
  const known = [...TEXTS, ...NUMBERS].filter(([name]) => given[name] !== undefined && given[name] !== null);
  return {
    key: key ?? from?.routing_key ?? "",
    payload: from?.payload ?? "",
    encoding: from?.payload_encoding ?? "string",
    persistent: given.delivery_mode !== 1,
    plain: Object.fromEntries(known.map(([name]) => [name, String(given[name])])),
    headers: headersFrom(Object.fromEntries(kept)),
    timed: false,
  };
}

function firstDraft(like?: Message, key?: string, firstKey?: string, headers?: Arguments): Draft {
  if (like) return draftOf(like, key);
  return { ...draftOf(undefined, key ?? firstKey), headers: headersFrom(headers ?? {}) };
}

function messageOf({ key, payload, encoding, persistent, plain, headers, timed }: Draft): Omit<Sent, "exchange" | "at"> {
  const texts = TEXTS.filter(([name]) => plain[name]).map(([name]) => [name, plain[name]]);
  const numbers = NUMBERS.filter(([name]) => plain[name]).map(([name]) => [name, toNumber(plain[name] ?? "")]);
  const table = headersValue(headers);
  return {
    routing_key: key,
    payload,
    payload_encoding: encoding as "string",
    properties: {
      ...Object.fromEntries([...texts, ...numbers]),
      delivery_mode: persistent ? 2 : 1,
      ...(timed ? { timestamp: Math.floor(serverNow() / 1000) } : {}),
      ...(Object.keys(table).length ? { headers: table } : {}),
    },
  };
}

export function Publish({ vhost, exchange, routingKey, like, firstKey, firstHeaders, onClose }: PublishProps) {
  const [draft, setDraft] = useState(() => firstDraft(like, routingKey, firstKey, firstHeaders));
  const [problem, setProblem] = useState("");
  const [again, setAgain] = useState(false);
  const change = (part: Partial<Draft>) => setDraft({ ...draft, ...part });
  const send = async () => {
    setProblem("");
    try {
      const message = messageOf(draft);
      const where = `${path("exchanges", vhost, exchange || DEFAULT_EXCHANGE)}/publish`;
      const { routed } = await post<{ routed: boolean }>(where, message);
      noteSent({ ...message, exchange, at: serverNow() });
      if (routed) say("Published: the broker has it.");
      else complain(new Error("No queue wanted this message: nothing is bound that fits its key and headers."));
      refresh();
      if (!again) onClose();
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  const direct = exchange || routingKey === undefined;
  return (
    <Dialog
      wide
      title={direct ? `Publish through ${exchange || "the default exchange"}` : `Publish to ${routingKey}`}
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
        <Lately onChoose={(message) => setDraft(draftOf(message, routingKey))} />
        {routingKey === undefined && <Text label="Routing key" mono value={draft.key} onChange={(key) => change({ key })} all autofocus />}
        <Body draft={draft} change={change} autofocus={routingKey !== undefined} />
        <Select
          label="Encoding"
          value={draft.encoding}
          onChange={(encoding) => change({ encoding })}
          options={[
            ["string", "text (UTF-8)"],
            ["base64", "octets in base64"],
          ]}
        />
        <Select
          label="Delivery mode"
          value={draft.persistent ? "2" : "1"}
          onChange={(value) => change({ persistent: value === "2" })}
          options={[
            ["2", "2, persistent"],
            ["1", "1, transient"],
          ]}
          hint={draft.persistent ? "On the disk before it is confirmed." : "Gone with a restart."}
        />
        <HeadersField value={draft.headers} onChange={(headers) => change({ headers })} />
        <details class="all" open={Object.keys(draft.plain).length > 0}>
          <summary>More properties</summary>
          <div class="form" style={{ paddingTop: "10px" }}>
            {[...TEXTS, ...NUMBERS].map(([name, label]) => (
              <Text
                key={name}
                label={label}
                type={NUMBERS.some(([each]) => each === name) ? "number" : "text"}
                value={draft.plain[name] ?? ""}
                onChange={(value) => change({ plain: { ...draft.plain, [name]: value } })}
              />
            ))}
            <Check label="Timestamp: now" value={draft.timed} onChange={(timed) => change({ timed })} />
          </div>
        </details>
      </div>
    </Dialog>
  );
}

interface BodyProps {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
  autofocus: boolean;
}

function Body({ draft: { payload, encoding, plain }, change, autofocus }: BodyProps) {
  const neat = encoding === "string" ? pretty(payload) : undefined;
  const meant = /\bjson\b/.test(plain.content_type ?? "") && payload.trim() !== "";
  const broken = meant && encoding === "string" && !isJson(payload);
  return (
    <Field
      label="Body"
      all
      hint={
        <span class="row">
          {broken && <span class="error-text">The content type says JSON, and this is none.</span>}
          {neat !== undefined && neat !== payload && (
            <button type="button" class="button quiet small" onClick={() => change({ payload: neat })}>
              Put the JSON in order
            </button>
          )}
        </span>
      }
    >
      {(id) => (
        <textarea
          id={id}
          class="input"
          rows={6}
          autofocus={autofocus}
          spellcheck={false}
          value={payload}
          onInput={(event) => change({ payload: event.currentTarget.value })}
        />
      )}
    </Field>
  );
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The last ones that were published, to begin with. */
function Lately({ onChoose }: { onChoose: (message: Sent) => void }) {
  if (!sent.value.length) return null;
  return (
    <div class="all row lately">
      <Menu kind="small" title="Begin with a message published before" label={<><Icon name="undo" /> As published before</>}>
        {sent.value.map((each) => (
          <button key={each.at} type="button" onClick={() => onChoose(each)}>
            <span class="stack tight">
              <code class="cut">{each.payload.slice(0, 60) || "(empty)"}</code>
              <small class="faint">
                {each.exchange ? `${each.exchange}, ` : ""}
                {each.routing_key} · {relative(each.at, serverNow())}
              </small>
            </span>
          </button>
        ))}
      </Menu>
    </div>
  );
}
