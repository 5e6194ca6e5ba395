// Runtime parameters of virtual hosts, and global ones.
import { useState } from "preact/hooks";
import { remove } from "../lib/api";
import { toJson } from "../lib/json";
import { go, href, place } from "../lib/router";
import type { Column } from "../ui/columns";
import { confirmAll } from "../ui/Dialog";
import { AddButton, Empty, Tabs } from "../ui/parts";
import { Table } from "../ui/Table";
import type { BulkAction } from "../ui/TableTools";
import { EditParameter, type Parameter, parameterPath } from "./forms/EditParameter";
import "../styles/admin.css";

const keyOf = (parameter: Parameter) => parameterPath(parameter);

function columnsOf(edit: (parameter: Parameter) => void, global: boolean): Column<Parameter>[] {
  const name: Column<Parameter> = {
    id: "name",
    title: "Name",
    width: 200,
    sort: "name",
    fields: ["name"],
    shown: "small",
    render: (parameter) => (
      <button type="button" class="link" title={`Change ${parameter.name}`} onClick={() => edit(parameter)}>
        {parameter.name}
      </button>
    ),
  };
  const value: Column<Parameter> = {
    id: "value",
    title: "Value",
    width: 420,
    fields: ["value"],
    shown: "small",
    render: (parameter) => <code title={toJson(parameter.value, 2)}>{toJson(parameter.value)}</code>,
  };
  if (global) return [name, value];
  return [
    name,
    { id: "component", title: "Component", width: 160, sort: "component", fields: ["component"], shown: true, render: ({ component }) => component },
    { id: "vhost", title: "Virtual host", width: 130, sort: "vhost", fields: ["vhost"], shown: true, render: ({ vhost }) => vhost },
    value,
  ];
}

const BULK: BulkAction<Parameter>[] = [
  {
    label: "Delete",
    icon: "trash",
    danger: true,
    done: "deleted",
    ask: (rows) =>
      confirmAll(rows, {
        does: "Delete",
        noun: ["parameter"],
        text: "What reads them goes on without.",
      }),
    run: (row) => remove(parameterPath(row)),
  },
];

export default function Parameters() {
  const global = place.value.query.kind === "global";
  const [editing, setEditing] = useState<Parameter | "new" | null>(null);
  return (
    <div class="page">
      <div class="head">
        <h1>Parameters</h1>
      </div>
      <Tabs
        label="Which parameters"
        options={[
          ["vhost", "Of virtual hosts"],
          ["global", "Global"],
        ]}
        value={global ? "global" : "vhost"}
        onChange={(next) => go(href(["parameters"], { kind: next === "global" ? next : "" }), { replace: true })}
      />
      <Table
        key={String(global)}
        kind={global ? "global-parameters" : "parameters"}
        where={global ? "/global-parameters" : "/parameters"}
        columns={columnsOf(setEditing, global)}
        always={global ? ["name", "value"] : ["name", "component", "vhost", "value"]}
        keyOf={keyOf}
        bulk={BULK}
        noun={["parameter", "parameters"]}
        tools={<AddButton onClick={() => setEditing("new")}>{global ? "Add a global parameter" : "Add a parameter"}</AddButton>}
        empty={
          <Empty title="No parameters">
            <p>Parameters are settings that are kept with the definitions: extensions and tools read them by component and name.</p>
          </Empty>
        }
      />
      {editing && <EditParameter global={global} {...(editing === "new" ? {} : { given: editing })} onClose={() => setEditing(null)} />}
    </div>
  );
}
