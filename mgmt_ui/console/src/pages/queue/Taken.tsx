// Messages that were fetched as a consumer fetches them: looked at and put back, or taken for good.
import { signal } from "@preact/signals";
import { useState } from "preact/hooks";
import { post } from "../../lib/api";
import { plural } from "../../lib/format";
import { toJson } from "../../lib/json";
import { type Message, portable, shownAs, bestView } from "../../lib/messages";
import { queuePath } from "../../lib/paths";
import { saveAs } from "../../lib/save";
import type { Queue } from "../../lib/types";
import { Select, Text } from "../../ui/Field";
import { FormDialog } from "../../ui/FormDialog";
import { Icon } from "../../ui/Icon";
import { Badge, Card, IconButton, Snippet } from "../../ui/parts";
import { Publish } from "../forms/Publish";

interface Batch {
  queue: string;
  mode: string;
  messages: Message[];
}

/** Kept until it is closed: what was taken for good is nowhere else. */
const taken = signal<Batch | undefined>(undefined);

const MODES: [string, string][] = [
  ["ack_requeue_true", "Put them back"],
  ["reject_requeue_true", "Reject them, back into the queue"],
  ["ack_requeue_false", "Acknowledge: take them for good"],
  ["reject_requeue_false", "Reject: dead-letter or drop them"],
];

const HINTS: Record<string, string> = {
  ack_requeue_true: "They keep their place, and are marked as redelivered. To look without a trace, the list will do.",
  reject_requeue_true: "As a consumer that fails: in a quorum queue this counts towards the delivery limit.",
  ack_requeue_false: "They are removed from the queue and shown here, once.",
  reject_requeue_false: "They go to the dead letter exchange, or nowhere if there is none.",
};

const keyOf = ({ vhost, name }: Queue) => `${vhost} ${name}`;

export function GetDialog({ queue, onClose, onDone }: { queue: Queue; onClose: () => void; onDone: () => void }) {
  const [mode, setMode] = useState("ack_requeue_true");
  const [many, setMany] = useState("1");
  const gone = mode.endsWith("false");
  const run = async () => {
    const asked = { count: Number(many), ackmode: mode, encoding: "auto" };
    const messages = await post<Message[]>(`${queuePath(queue)}/get`, asked);
    taken.value = { queue: keyOf(queue), mode, messages };
    onDone();
    return messages.length ? `${plural(messages.length, "message")} ${gone ? "taken out" : "fetched and put back"}.` : "No message was ready.";
  };
  return (
    <FormDialog title={`Get from ${queue.name}`} verb={gone ? "Take them out" : "Get"} run={run} onClose={onClose}>
      <Text label="How many" type="number" value={many} onChange={setMany} autofocus hint={`${plural(queue.messages_ready ?? 0, "message")} ready`} />
      <Select label="And then" value={mode} options={MODES} onChange={setMode} hint={HINTS[mode]} />
      {gone && (
        <p class="banner warn all">
          <Icon name="alert" /> Up to {plural(Number(many) || 0, "message")} will no longer be in this queue.
        </p>
      )}
    </FormDialog>
  );
}

export function Taken({ queue }: { queue: Queue }) {
  const [again, setAgain] = useState<Message>();
  const batch = taken.value;
  if (batch?.queue !== keyOf(queue) || !batch.messages.length) return null;
  const gone = batch.mode.endsWith("false");
  return (
    <Card
      flush
      title={
        <>
          {gone ? "Taken out of the queue" : "Fetched, and back in the queue"} <span class="faint">{batch.messages.length}</span>
        </>
      }
      tools={
        <>
          <button type="button" class="button small" onClick={() => saveAs(`${queue.name}.taken.json`, toJson(batch.messages.map(portable), 1))}>
            <Icon name="download" /> Save as JSON
          </button>
          <IconButton icon="close" label="Close what was fetched" onClick={() => (taken.value = undefined)} />
        </>
      }
    >
      {batch.messages.map((message, i) => (
        <details class="taken" key={i}>
          <summary>
            <b class="mono cut">{message.routing_key || "(no key)"}</b>
            <span class="mono cut soft grow">{message.payload_encoding === "string" ? message.payload.slice(0, 160) : "binary"}</span>
            {message.redelivered && <Badge tone="warn">redelivered</Badge>}
          </summary>
          <div class="stack">
            <Snippet text={shownAs(message, bestView(message))} />
            <Snippet text={toJson(message.properties, 2)} label="Copy the properties" />
            <div>
              <button type="button" class="button small" onClick={() => setAgain(message)}>
                <Icon name="send" /> Publish again…
              </button>
            </div>
          </div>
        </details>
      ))}
      {again && <Publish vhost={queue.vhost} exchange={again.exchange} like={again} onClose={() => setAgain(undefined)} />}
    </Card>
  );
}
