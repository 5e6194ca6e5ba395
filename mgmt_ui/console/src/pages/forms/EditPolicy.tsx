// Making and changing a policy, with what it would be for shown while one types.
import { useState } from "preact/hooks";
import { path, put } from "../../lib/api";
import { parseJson, toJson } from "../../lib/json";
import { useLive } from "../../lib/live";
import { vhostForNew } from "../../lib/paths";
import { APPLY_TO, type Policy } from "../../lib/policies";
import type { Arguments, Vhost } from "../../lib/types";
import { ArgumentsField, type Entry, type Known, toArguments, toEntries } from "../../ui/ArgumentsField";
import { Area, Select, Text } from "../../ui/Field";
import { FormDialog } from "../../ui/FormDialog";
import type { Kind } from "../Policies";
import { PolicyPreview } from "../parts/PolicyPreview";

const KNOWN: Known[] = [
  { key: "message-ttl", label: "Message TTL", kind: "number", value: "60000" },
  { key: "expires", label: "Queue expires", kind: "number", value: "1800000" },
  { key: "max-length", label: "Max length", kind: "number", value: "100000" },
  { key: "max-length-bytes", label: "Max bytes", kind: "number", value: "104857600" },
  { key: "overflow", label: "When full", kind: "string", value: "reject-publish" },
  { key: "delivery-limit", label: "Delivery limit", kind: "number", value: "20" },
  { key: "dead-letter-exchange", label: "Dead letters to", kind: "string", value: "" },
  { key: "dead-letter-routing-key", label: "Dead letter key", kind: "string", value: "" },
  { key: "max-age", label: "Max age", kind: "string", value: "7D" },
  { key: "consumer-timeout", label: "Consumer timeout", kind: "number", value: "1800000" },
  { key: "alternate-exchange", label: "Alternate exchange", kind: "string", value: "" },
];
/** What operators may bound. */
const BOUNDS = ["message-ttl", "expires", "max-length", "max-length-bytes", "overflow", "delivery-limit"];

const FIELDS = {
  pattern: /^pattern /,
  priority: /^priority /,
  definition: /is not a valid|are not recognised|no policy provided|^policy definition|JSON/,
  name: /^(There is a policy|name )/,
};

interface Props {
  kind: Kind;
  given?: Policy;
  onClose: () => void;
}

export function EditPolicy({ kind, given, onClose }: Props) {
  const vhosts = useLive<Vhost[]>("/vhosts").value ?? [{ name: "/" }];
  const [vhost, setVhost] = useState(given?.vhost ?? vhostForNew());
  const all = useLive<Policy[]>(path(kind, vhost)).value ?? [];
  const [name, setName] = useState(given?.name ?? "");
  const [pattern, setPattern] = useState(given?.pattern ?? "");
  const [applyTo, setApplyTo] = useState(given?.["apply-to"] ?? "queues");
  const [priority, setPriority] = useState(String(given?.priority ?? 0));
  const rows = toEntries(given?.definition ?? {});
  const [entries, setEntries] = useState<Entry[]>(rows ?? []);
  const [json, setJson] = useState(toJson(given?.definition ?? {}, 2));
  const draft: Policy = {
    vhost,
    name,
    pattern,
    "apply-to": applyTo,
    priority: Number(priority) || 0,
    definition: rows ? toArguments(entries) : (parsed(json) ?? {}),
  };
  const run = async () => {
    if (!given && all.some((each) => each.name === name)) throw new Error(`There is a policy ${name} already.`);
    if (!rows && !parsed(json)) throw new Error("The definition is not JSON.");
    await put(path(kind, vhost, name), { ...draft, priority: Number(priority) });
    return given ? `Policy ${name} is changed, and holds.` : `Policy ${name} holds.`;
  };
  const operator = kind === "operator-policies";
  return (
    <FormDialog
      wide
      title={given ? `Change ${given.name}` : operator ? "Add an operator policy" : "Add a policy"}
      verb={given ? "Change the policy" : "Add the policy"}
      disabled={!name}
      fields={FIELDS}
      run={run}
      onClose={onClose}
    >
      {(at) => (
        <>
          {!given && <Text label="Name" value={name} onChange={setName} required autofocus error={at("name")} />}
          {!given && vhosts.length > 1 && (
            <Select label="Virtual host" value={vhost} onChange={setVhost} options={vhosts.map((each) => [each.name, each.name])} />
          )}
          <Text
            mono
            label="Pattern"
            hint="A regular expression on names; ^orders\. is all that begin so."
            value={pattern}
            onChange={setPattern}
            autofocus={Boolean(given)}
            error={at("pattern")}
          />
          <Select
            label="For"
            value={applyTo}
            onChange={setApplyTo}
            options={APPLY_TO.filter(([each]) => !operator || (each !== "exchanges" && each !== "all") || each === given?.["apply-to"])}
          />
          <Text
            label="Priority"
            type="number"
            hint="An object is under one policy: the one of the highest priority that fits."
            value={priority}
            onChange={setPriority}
            error={at("priority")}
          />
          {rows ? (
            <ArgumentsField
              label="What it sets"
              entries={entries}
              known={operator ? KNOWN.filter(({ key }) => BOUNDS.includes(key)) : KNOWN}
              onChange={setEntries}
            />
          ) : (
            <Area label="What it sets, as JSON" value={json} onChange={setJson} error={at("definition")} />
          )}
          {rows && at("definition") && (
            <p class="error-text all" role="alert">
              {at("definition")}
            </p>
          )}
          <PolicyPreview kind={kind} draft={draft} policies={all} />
        </>
      )}
    </FormDialog>
  );
}

function parsed(text: string): Arguments | null {
  try {
    const value = parseJson<unknown>(text);
    return value !== null && typeof value === "object" && !Array.isArray(value) ? (value as Arguments) : null;
  } catch {
    return null;
  }
}
