// Making an exchange.
import { useState } from "preact/hooks";
import { put } from "../../lib/api";
import { useLive } from "../../lib/live";
import { exchangeHref, exchangePath, vhostForNew } from "../../lib/paths";
import { go } from "../../lib/router";
import type { Overview, Vhost } from "../../lib/types";
import { ArgumentsField, type Entry, type Known, toArguments } from "../../ui/ArgumentsField";
import { Check, Select, Text } from "../../ui/Field";
import { FormDialog } from "../../ui/FormDialog";

const KNOWN: Known[] = [{ key: "alternate-exchange", label: "Alternate exchange", kind: "string", value: "" }];

const HINTS: Record<string, string> = {
  direct: "To the queues that are bound with exactly the routing key.",
  fanout: "To all queues that are bound, whatever the routing key.",
  topic: "To queues whose pattern fits the key: * is one word, # any number of words.",
  headers: "To queues whose arguments fit the headers of the message.",
  "x-consistent-hash": "Shares messages out by a hash of the routing key; the binding key is a weight.",
  "x-delayed-message": "Keeps a message for the milliseconds in its header x-delay first.",
  "x-random": "To one of the bound queues, by chance.",
  "x-recent-history": "Like fanout, and a new binding gets the latest messages first.",
};

export function AddExchange({ onClose }: { onClose: () => void }) {
  const vhosts = useLive<Vhost[]>("/vhosts").value ?? [{ name: "/" }];
  const known = useLive<Overview>("/overview").value?.exchange_types ?? [];
  const types = known.length ? known.map(({ name }) => name) : ["direct", "fanout", "topic", "headers"];
  const [vhost, setVhost] = useState(vhostForNew());
  const [name, setName] = useState("");
  const [type, setType] = useState("topic");
  const [durable, setDurable] = useState(true);
  const [autoDelete, setAutoDelete] = useState(false);
  const [internal, setInternal] = useState(false);
  const [entries, setEntries] = useState<Entry[]>([]);
  const add = async () => {
    const delayed = type === "x-delayed-message" ? { "x-delayed-type": "direct" } : {};
    await put(exchangePath({ vhost, name }), {
      type,
      durable,
      auto_delete: autoDelete,
      internal,
      arguments: { ...delayed, ...toArguments(entries) },
    });
    return `Exchange ${name} is there.`;
  };
  return (
    <FormDialog
      title="Add an exchange"
      verb="Add the exchange"
      disabled={!name}
      run={add}
      then={() => go(exchangeHref({ vhost, name }))}
      onClose={onClose}
    >
      <Text label="Name" value={name} onChange={setName} required autofocus all={vhosts.length < 2} />
      {vhosts.length > 1 && (
        <Select label="Virtual host" value={vhost} onChange={setVhost} options={vhosts.map((each) => [each.name, each.name])} />
      )}
      <Select label="Type" value={type} onChange={setType} options={types.map((each) => [each, each])} hint={HINTS[type]} />
      <div class="field">
        <span class="label">Life</span>
        <Check label="Durable: outlives a restart" value={durable} onChange={setDurable} />
        <Check label="Deleted when its last binding goes" value={autoDelete} onChange={setAutoDelete} />
        <Check label="Internal: only other exchanges send to it" value={internal} onChange={setInternal} />
      </div>
      <ArgumentsField label="Arguments" entries={entries} known={KNOWN} onChange={setEntries} />
    </FormDialog>
  );
}
