// The settings of the broker: its name, the options in force, what clients may count on.
import { useState } from "preact/hooks";
import { path, put } from "../lib/api";
import { plural } from "../lib/format";
import { useLive } from "../lib/live";
import { place, setQuery } from "../lib/router";
import { Area, Text } from "../ui/Field";
import { FormDialog } from "../ui/FormDialog";
import { Icon } from "../ui/Icon";
import { Card, Problem, State, Tabs } from "../ui/parts";
import "../styles/admin.css";

interface Option {
  name: string;
  value: unknown;
  default: string;
  live: boolean;
  description: string;
}

interface Flag {
  name: string;
  desc: string;
  state: string;
}

const TABS = [
  ["options", "Options"],
  ["features", "Features"],
] as const;

export default function Settings() {
  const tab = place.value.query.tab === "features" ? "features" : "options";
  return (
    <div class="page">
      <div class="head">
        <h1>Settings</h1>
        <span class="grow" />
        <ClusterName />
      </div>
      <Tabs label="Which settings" options={TABS} value={tab} onChange={(next) => setQuery({ tab: next === "features" ? next : "", q: "" })} />
      {tab === "options" ? <Options /> : <Features />}
    </div>
  );
}

function ClusterName() {
  const name = useLive<{ name: string }>("/cluster-name").value?.name;
  const [changing, setChanging] = useState<string | null>(null);
  return (
    <>
      <button type="button" class="button" disabled={name === undefined} onClick={() => setChanging(name ?? "")}>
        <Icon name="policy" /> Rename the cluster
      </button>
      {changing !== null && (
        <FormDialog
          title="Rename the cluster"
          verb="Rename"
          disabled={!changing || changing === name}
          onClose={() => setChanging(null)}
          run={async () => {
            await put("/cluster-name", { name: changing });
            return `The cluster is called ${changing}.`;
          }}
        >
          <Text label="Name" value={changing} onChange={setChanging} required autofocus all hint="Clients that connect from now on are told it." />
        </FormDialog>
      )}
    </>
  );
}

function Options() {
  const { value, error } = useLive<Option[]>("/options");
  const [changing, setChanging] = useState<Option | null>(null);
  const wanted = (place.value.query.q ?? "").toLowerCase();
  const rows = (value ?? []).filter(({ name, description }) => `${name} ${description}`.toLowerCase().includes(wanted));
  return (
    <Card
      flush
      title={
        <>
          Options in force <span class="faint">{value && plural(rows.length, "option")}</span>
        </>
      }
      tools={
        <div class="search">
          <Icon name="search" />
          <input
            class="input"
            type="search"
            data-search
            placeholder="Search options"
            aria-label="Search options"
            value={place.value.query.q ?? ""}
            onInput={(event) => setQuery({ q: event.currentTarget.value })}
          />
        </div>
      }
    >
      {error && <Problem error={error} />}
      {value && rows.length === 0 && <p class="body soft">No option is about that.</p>}
      <div class="plain" tabIndex={0} role="region" aria-label="Options in force">
        <table class="table options">
          <thead>
            <tr>
              <th scope="col">Option</th>
              <th scope="col">Value</th>
              <th scope="col">
                <span class="visually-hidden">Change</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((option) => (
              <tr key={option.name}>
                <td class="about">
                  <code>{option.name}</code>
                  <small class="soft">{option.description}</small>
                </td>
                <td title={`Without it: ${option.default}`}>
                  <code>{written(option.value) || "–"}</code>
                </td>
                <td class="num">
                  {option.live && (
                    <button type="button" class="button small" aria-label={`Change ${option.name}`} onClick={() => setChanging(option)}>
                      Change
                    </button>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {changing && <ChangeOption option={changing} onClose={() => setChanging(null)} />}
    </Card>
  );
}

/** As it stands in the configuration file. */
function written(value: unknown): string {
  if (value === null || value === undefined) return "";
  return Array.isArray(value) ? value.join(", ") : String(value);
}

function ChangeOption({ option, onClose }: { option: Option; onClose: () => void }) {
  const [text, setText] = useState(option.value === "<redacted>" ? "" : written(option.value));
  return (
    <FormDialog
      title={`Change ${option.name}`}
      verb="Change"
      onClose={onClose}
      run={async () => {
        await put(path("options", option.name), { value: text });
        return `${option.name} is changed.`;
      }}
    >
      <p class="all soft">
        {option.description} It holds at once, until the broker starts again or reads its configuration file.
      </p>
      <Area label="Value" rows={2} value={text} onChange={setText} autofocus hint={`Without it: ${option.default}`} />
    </FormDialog>
  );
}

function Features() {
  const { value, error } = useLive<Flag[]>("/feature-flags");
  return (
    <Card flush title="Feature flags">
      {error && <Problem error={error} />}
      <p class="body soft" style={{ padding: "12px 14px" }}>
        What clients and tools of RabbitMQ look for before they use it. All of it is there; none can be turned off. No feature is deprecated.
      </p>
      <div class="plain" tabIndex={0} role="region" aria-label="Feature flags">
        <table class="table options">
          <thead>
            <tr>
              <th scope="col">Feature</th>
              <th scope="col">State</th>
            </tr>
          </thead>
          <tbody>
            {value?.map(({ name, desc, state }) => (
              <tr key={name}>
                <td class="about">
                  <code>{name}</code>
                  <small class="soft">{desc}</small>
                </td>
                <td>
                  <State tone={state === "enabled" ? "good" : ""}>{state}</State>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}
