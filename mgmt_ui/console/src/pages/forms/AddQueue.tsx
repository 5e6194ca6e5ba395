// Making a queue.
import { useState } from "preact/hooks";
import { put } from "../../lib/api";
import { useLive } from "../../lib/live";
import { queueHref, queuePath, vhostForNew } from "../../lib/paths";
import { go } from "../../lib/router";
import type { Vhost } from "../../lib/types";
import { ArgumentsField, type Entry, type Known, toArguments } from "../../ui/ArgumentsField";
import { Check, Select, Text } from "../../ui/Field";
import { FormDialog } from "../../ui/FormDialog";

const KNOWN: (Known & { types: string[] })[] = [
  { key: "x-message-ttl", label: "Message TTL (ms)", kind: "number", value: "60000", types: ["classic", "quorum"] },
  { key: "x-expires", label: "Expires when unused (ms)", kind: "number", value: "3600000", types: ["classic", "quorum"] },
  { key: "x-max-length", label: "Max length", kind: "number", value: "100000", types: ["classic", "quorum"] },
  {
    key: "x-max-length-bytes",
    label: "Max size (bytes)",
    kind: "number",
    value: "1073741824",
    types: ["classic", "quorum", "stream"],
  },
  { key: "x-overflow", label: "When full", kind: "string", value: "reject-publish", types: ["classic", "quorum"] },
  { key: "x-dead-letter-exchange", label: "Dead letter exchange", kind: "string", value: "", types: ["classic", "quorum"] },
  { key: "x-dead-letter-routing-key", label: "Dead letter key", kind: "string", value: "", types: ["classic", "quorum"] },
  { key: "x-single-active-consumer", label: "Single active consumer", kind: "boolean", value: "true", types: ["classic", "quorum"] },
  { key: "x-max-priority", label: "Priorities", kind: "number", value: "5", types: ["classic"] },
  { key: "x-delivery-limit", label: "Delivery limit", kind: "number", value: "20", types: ["quorum"] },
  { key: "x-max-age", label: "Keep for", kind: "string", value: "7D", types: ["stream"] },
];

const TYPES = [
  ["classic", "Classic"],
  ["quorum", "Quorum"],
  ["stream", "Stream"],
] as const;

const HINTS: Record<string, string> = {
  classic: "For most uses: priorities, TTL, dead letters.",
  quorum: "Always durable; counts deliveries, so that a poisonous message does not come back for ever.",
  stream: "A log that is read, not emptied: many readers, each from where it wants.",
};

export function AddQueue({ onClose }: { onClose: () => void }) {
  const vhosts = useLive<Vhost[]>("/vhosts").value ?? [{ name: "/" }];
  const [vhost, setVhost] = useState(vhostForNew());
  const [name, setName] = useState("");
  const [type, setType] = useState("classic");
  const [durable, setDurable] = useState(true);
  const [autoDelete, setAutoDelete] = useState(false);
  const [entries, setEntries] = useState<Entry[]>([]);
  const add = async () => {
    const args = { "x-queue-type": type, ...toArguments(entries) };
    const always = type !== "classic";
    await put(queuePath({ vhost, name }), {
      durable: always || durable,
      auto_delete: !always && autoDelete,
      arguments: args,
    });
    return `Queue ${name} is there.`;
  };
  return (
    <FormDialog
      title="Add a queue"
      verb="Add the queue"
      disabled={!name}
      run={add}
      then={() => go(queueHref({ vhost, name }))}
      onClose={onClose}
    >
      <Text label="Name" value={name} onChange={setName} required autofocus all={vhosts.length < 2} />
      {vhosts.length > 1 && (
        <Select label="Virtual host" value={vhost} onChange={setVhost} options={vhosts.map((each) => [each.name, each.name])} />
      )}
      <Select label="Type" value={type} onChange={setType} options={[...TYPES]} hint={HINTS[type]} />
      {type === "classic" && (
        <div class="field">
          <span class="label">Life</span>
          <Check label="Durable: outlives a restart" value={durable} onChange={setDurable} />
          <Check label="Deleted when its last consumer goes" value={autoDelete} onChange={setAutoDelete} />
        </div>
      )}
      <ArgumentsField
        label="Arguments"
        entries={entries}
        known={KNOWN.filter(({ types }) => types.includes(type))}
        onChange={setEntries}
      />
    </FormDialog>
  );
}
