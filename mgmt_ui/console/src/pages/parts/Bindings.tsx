// Bindings from or to an object, and how to add and remove one.
import { useState } from "preact/hooks";
import { path, post, remove } from "../../lib/api";
import { toJson } from "../../lib/json";
import { answered, asked, askFor } from "../../lib/asked";
import { refresh, useLive } from "../../lib/live";
import { DEFAULT_EXCHANGE, exchangeHref, queueHref } from "../../lib/paths";
import { useMay } from "../../lib/rights";
import type { Binding } from "../../lib/types";
import { ArgumentsField, type Entry, type Known, toArguments } from "../../ui/ArgumentsField";
import { confirm } from "../../ui/Dialog";
import { Select, Text } from "../../ui/Field";
import { Icon } from "../../ui/Icon";
import { Card, IconButton, Problem } from "../../ui/parts";
import { StackedTable } from "../../ui/StackedTable";
import { complain, say } from "../../ui/Toasts";

interface End {
  vhost: string;
  name: string;
  kind: "queue" | "exchange";
}

interface Props {
  of: End;
  /** `in`: what comes to it; `out`: what goes from it on. */
  direction: "in" | "out";
}

export function Bindings({ of, direction }: Props) {
  const { value, error } = useLive<Binding[]>(wherever(of, direction));
  // The way by name through the default exchange is there for every queue, and cannot be changed.
  const rows = (value ?? []).filter(({ source }) => source !== "");
  const title = direction === "in" ? "Bindings to it" : "Bindings from it";
  const may = useMay();
  const ofDefault = direction === "out" && of.name === "";
  const changeable = !ofDefault && may(direction === "in" ? "write" : "read", of.vhost, of.name);
  const here = `bind-${direction}`;
  const adding = asked() === here && changeable;
  return (
    <Card
      flush
      title={
        <>
          {title} {rows.length > 0 && <span class="faint">{rows.length}</span>}
        </>
      }
      tools={
        changeable && (
          <button type="button" class="button small" onClick={() => (adding ? answered() : askFor(here))} aria-expanded={adding}>
            <Icon name="plus" /> Bind
          </button>
        )
      }
    >
      {adding && <AddBinding of={of} direction={direction} onDone={answered} />}
      {error && <Problem error={error} />}
      {rows.length === 0 ? (
        <p class="body soft" style={{ padding: "14px" }}>
          {emptyText(of, direction)}
        </p>
      ) : (
        <StackedTable
          label={title}
          parts={[{ title: direction === "in" ? "From" : "To" }, { title: "Routing key" }, { title: "Arguments" }, { title: "Remove", silent: true, num: true }]}
          rows={rows.map((binding) => ({
            key: `${binding.source} ${binding.destination_type} ${binding.destination} ${binding.properties_key}`,
            cells: cellsOf(binding, direction, changeable),
          }))}
        />
      )}
    </Card>
  );
}

function wherever({ kind, vhost, name }: End, direction: "in" | "out"): string {
  if (kind === "queue") return `${path("queues", vhost, name)}/bindings`;
  const end = direction === "in" ? "destination" : "source";
  return `${path("exchanges", vhost, name || DEFAULT_EXCHANGE)}/bindings/${end}`;
}

function emptyText({ kind, name }: End, direction: "in" | "out"): string {
  if (kind === "exchange" && name === "") {
    return "The default exchange sends each message to the queue whose name is the routing key.";
  }
  if (direction === "out") return "Nothing is bound to it: messages sent to it find no queue.";
  return kind === "queue"
    ? "No exchange sends to it but the default one, by the queue's name as the routing key."
    : "No other exchange sends to it.";
}

function cellsOf(binding: Binding, direction: "in" | "out", changeable: boolean) {
  const { source, vhost, destination, destination_type: type, routing_key: key, arguments: given } = binding;
  const other = { vhost, name: direction === "in" ? source : destination };
  const isQueue = direction === "out" && type === "queue";
  return [
    <span key="other">
      <a href={isQueue ? queueHref(other) : exchangeHref(other)}>{other.name}</a> <span class="faint">{direction === "out" ? type : ""}</span>
    </span>,
    <code key="key">{key}</code>,
    Object.keys(given).length > 0 ? <code key="arguments">{toJson(given)}</code> : null,
    changeable && (
      <IconButton key="remove" icon="trash" label={`Remove the binding to ${destination} with key ${key}`} onClick={() => void unbind(binding)} />
    ),
  ];
}

async function unbind(binding: Binding): Promise<void> {
  const { source, destination, routing_key: key } = binding;
  const sure = await confirm({
    title: "Remove this binding?",
    text: `Messages from ${source} with the key “${key}” come to ${destination} no longer, unless another binding fits.`,
    verb: "Remove",
  });
  if (!sure) return;
  try {
    await remove(`${between(binding)}/${encodeURIComponent(binding.properties_key)}`);
    say("The binding is gone.", { label: "Undo", run: () => void bind(binding) });
  } catch (error) {
    complain(error);
  }
  refresh();
}

type Ends = Pick<Binding, "vhost" | "source" | "destination" | "destination_type">;

function between({ vhost, source, destination, destination_type: type }: Ends): string {
  return `${path("bindings", vhost)}/e/${encodeURIComponent(source)}/${type === "queue" ? "q" : "e"}/${encodeURIComponent(destination)}`;
}

async function bind(binding: Ends & Pick<Binding, "routing_key" | "arguments">): Promise<void> {
  try {
    await post(between(binding), { routing_key: binding.routing_key, arguments: binding.arguments });
    say(`${binding.destination} is bound to ${binding.source}.`);
  } catch (error) {
    complain(error);
  }
  refresh();
}

const KNOWN: Known[] = [{ key: "x-match", label: "x-match (headers)", kind: "string", value: "all" }];

function AddBinding({ of, direction, onDone }: Props & { onDone: () => void }) {
  const [other, setOther] = useState("");
  const [type, setType] = useState<"queue" | "exchange">("queue");
  const [key, setKey] = useState("");
  const [entries, setEntries] = useState<Entry[]>([]);
  const submit = async (event: Event) => {
    event.preventDefault();
    const inward = direction === "in";
    await bind({
      vhost: of.vhost,
      source: inward ? other : of.name,
      destination: inward ? of.name : other,
      destination_type: inward ? of.kind : type,
      routing_key: key,
      arguments: toArguments(entries),
    });
    onDone();
  };
  return (
    <form class="form body" style={{ padding: "14px", borderBottom: "1px solid var(--border)" }} onSubmit={submit}>
      {direction === "out" && (
        <Select
          label="To"
          value={type}
          onChange={(value) => setType(value as "queue" | "exchange")}
          options={[
            ["queue", "a queue"],
            ["exchange", "an exchange"],
          ]}
        />
      )}
      <Text
        label={direction === "in" ? "From exchange" : `Name of the ${type}`}
        value={other}
        onChange={setOther}
        required
        autofocus
      />
      <Text label="Routing key" mono value={key} onChange={setKey} />
      <ArgumentsField label="Arguments" entries={entries} known={KNOWN} onChange={setEntries} />
      <div class="row all">
        <button type="submit" class="button primary">
          Bind
        </button>
        <button type="button" class="button" onClick={onDone}>
          Cancel
        </button>
      </div>
    </form>
  );
}
