// Policies, and operator policies: what holds for many queues and exchanges by their names.
import { path, remove } from "../lib/api";
import { adding, answered, asked, askedOf, askFor } from "../lib/asked";
import { useLive } from "../lib/live";
import { toJson } from "../lib/json";
import { APPLY_TO, type Policy } from "../lib/policies";
import { chosenVhost } from "../lib/prefs";
import { go, href, place } from "../lib/router";
import { isAdministrator, may } from "../lib/session";
import { signs } from "../lib/words";
import type { Column } from "../ui/columns";
import { confirmAll } from "../ui/Dialog";
import { AddButton, Badge, Empty, Tabs } from "../ui/parts";
import { Table } from "../ui/Table";
import type { BulkAction } from "../ui/TableTools";
import { EditPolicy } from "./forms/EditPolicy";
import "../styles/admin.css";

export type Kind = "policies" | "operator-policies";

const keyOf = ({ vhost, name }: Policy) => `${vhost} ${name}`;

function columnsOf(edit: ((policy: Policy) => void) | null): Column<Policy>[] {
  return [
    {
      id: "name",
      title: "Name",
      width: 180,
      sort: "name",
      fields: ["name", "vhost"],
      shown: "small",
      render: (policy) =>
        edit ? (
          <button type="button" class="link" title={`Change ${policy.name}`} onClick={() => edit(policy)}>
            {policy.name}
          </button>
        ) : (
          policy.name
        ),
    },
    { id: "vhost", title: "Virtual host", width: 120, sort: "vhost", fields: ["vhost"], shown: true, render: ({ vhost }) => vhost },
    {
      id: "pattern",
      title: "Pattern",
      width: 160,
      sort: "pattern",
      fields: ["pattern"],
      shown: "small",
      render: ({ pattern }) => <code>{pattern || "(every name)"}</code>,
    },
    {
      id: "apply",
      title: "For",
      width: 160,
      sort: "apply-to",
      fields: ["apply-to"],
      shown: true,
      render: (policy) => APPLY_TO.find(([each]) => each === policy["apply-to"])?.[1] ?? policy["apply-to"],
    },
    { id: "priority", title: "Priority", width: 80, num: true, sort: "priority", fields: ["priority"], shown: true, render: ({ priority }) => priority },
    {
      id: "definition",
      title: "What it sets",
      width: 300,
      fields: ["definition"],
      shown: true,
      render: ({ definition }) => (
        <span class="row" style={{ gap: "4px", flexWrap: "nowrap" }}>
          {Object.entries(definition).map(([key, value]) => (
            <Badge key={key} title={signs({ [key]: value })[0]?.text ?? ""}>
              {key}: {typeof value === "string" ? value : toJson(value)}
            </Badge>
          ))}
        </span>
      ),
    },
  ];
}

function bulkOf(kind: Kind): BulkAction<Policy>[] {
  return [
    {
      label: "Delete",
      icon: "trash",
      danger: true,
      done: "deleted",
      ask: (rows) =>
        confirmAll(rows, {
          does: "Delete",
          noun: ["policy", "policies"],
          text: "What they set holds no longer, at once: limits are lifted, dead letters are dropped, expiry ends.",
        }),
      run: ({ vhost, name }) => remove(path(kind, vhost, name)),
    },
  ];
}

const TABS: [Kind, string][] = [
  ["policies", "Policies"],
  ["operator-policies", "Operator policies"],
];

const TEACH: Record<Kind, string> = {
  policies:
    "A policy gives settings to all queues or exchanges whose names fit a pattern: lengths, expiry, dead letters. It can be changed at any time, without making anything anew.",
  "operator-policies":
    "An operator policy bounds what others may set, by policies or when they make a queue: the lower limit counts.",
};

export default function Policies() {
  const kind: Kind = place.value.query.kind === "operator" ? "operator-policies" : "policies";
  const changeable = kind === "policies" ? may("policymaker") : isAdministrator.value;
  const list = `/${kind}`;
  return (
    <div class="page">
      <div class="head">
        <h1>Policies</h1>
      </div>
      <Tabs
        label="Whose policies"
        options={TABS}
        value={kind}
        onChange={(next) => go(href(["policies"], { kind: next === "policies" ? "" : "operator" }), { replace: true })}
      />
      <Table
        key={kind}
        kind={kind}
        where={chosenVhost.value ? path(kind, chosenVhost.value) : list}
        columns={columnsOf(changeable ? (policy) => askFor("edit", keyOf(policy)) : null)}
        // Whole ones, so that what is changed is what is there.
        always={["name", "vhost", "pattern", "apply-to", "definition", "priority"]}
        keyOf={keyOf}
        {...(changeable ? { bulk: bulkOf(kind) } : {})}
        noun={kind === "policies" ? ["policy", "policies"] : ["operator policy", "operator policies"]}
        tools={changeable && <AddButton>{kind === "policies" ? "Add a policy" : "Add an operator policy"}</AddButton>}
        empty={
          <Empty title={kind === "policies" ? "No policies yet" : "No operator policies yet"}>
            <p>{TEACH[kind]}</p>
          </Empty>
        }
      />
      {changeable && adding.open && <EditPolicy kind={kind} onClose={adding.end} />}
      {changeable && asked() === "edit" && <Edit kind={kind} of={askedOf()} />}
    </div>
  );
}

/** The policy that the address names, once it is here. */
function Edit({ kind, of }: { kind: Kind; of: string }) {
  const given = useLive<Policy[]>(`/${kind}`).value?.find((each) => keyOf(each) === of);
  return given ? <EditPolicy key={of} kind={kind} given={given} onClose={answered} /> : null;
}
