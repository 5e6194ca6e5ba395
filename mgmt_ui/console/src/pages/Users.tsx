// All users: who they are, what they may see here, where they may go.
import { useMemo } from "preact/hooks";
import type { Permission, User } from "../lib/admin";
import { path, remove } from "../lib/api";
import { adding } from "../lib/asked";
import { useLive } from "../lib/live";
import { href } from "../lib/router";
import { session } from "../lib/session";
import type { Column } from "../ui/columns";
import { confirmAll } from "../ui/Dialog";
import { AddButton, Badge, Empty } from "../ui/parts";
import { Table } from "../ui/Table";
import type { BulkAction } from "../ui/TableTools";
import { AddUser } from "./forms/AddUser";
import "../styles/admin.css";

const keyOf = ({ name }: User) => name;

function columnsOf(permissions: Permission[]): Column<User>[] {
  const places = new Map<string, string[]>();
  for (const { user, vhost } of permissions) places.set(user, [...(places.get(user) ?? []), vhost]);
  return [
    {
      id: "name",
      title: "Name",
      width: 200,
      sort: "name",
      fields: ["name"],
      shown: "small",
      render: ({ name }) => (
        <span class="row" style={{ flexWrap: "nowrap" }}>
          <a href={href(["users", name])}>{name}</a>
          {name === session.value?.user && <Badge tone="accent">you</Badge>}
        </span>
      ),
    },
    {
      id: "tags",
      title: "Tags",
      width: 150,
      fields: ["tags"],
      shown: "small",
      render: ({ tags }) =>
        tags.length ? (
          <span class="row" style={{ gap: "4px", flexWrap: "nowrap" }}>
            {tags.map((tag) => (
              <Badge key={tag} tone={tag === "administrator" ? "warn" : ""}>
                {tag}
              </Badge>
            ))}
          </span>
        ) : (
          <span class="faint">none: clients only</span>
        ),
    },
    {
      id: "vhosts",
      title: "Virtual hosts",
      width: 240,
      fields: ["name"],
      shown: true,
      render: ({ name }) => {
        const found = places.get(name);
        return found ? <span title={found.join(", ")}>{found.join(", ")}</span> : <Badge tone="warn">none</Badge>;
      },
    },
    {
      id: "password",
      title: "Password",
      width: 100,
      fields: ["password_hash"],
      shown: true,
      render: ({ password_hash: hash }) => (hash ? "set" : <Badge tone="info">none</Badge>),
    },
    {
      id: "limits",
      title: "Limits",
      width: 220,
      fields: ["limits"],
      shown: "wide",
      render: ({ limits }) =>
        Object.entries(limits ?? {})
          .map(([name, value]) => `${name} ${value}`)
          .join(", ") || <span class="faint">–</span>,
    },
  ];
}

const BULK: BulkAction<User>[] = [
  {
    label: "Delete",
    icon: "trash",
    danger: true,
    done: "deleted",
    ask: (rows) =>
      confirmAll(rows, {
        does: "Delete",
        noun: ["user"],
        text: rows.some(({ name }) => name === session.value?.user)
          ? "You are one of them: you will be signed out, and may be unable to come back."
          : "They cannot sign in any more, their connections are closed, and their permissions are gone.",
        one: rows[0]?.name,
      }),
    run: ({ name }) => remove(path("users", name)),
  },
];

export default function Users() {
  const permissions = useLive<Permission[]>("/permissions").value;
  const columns = useMemo(() => columnsOf(permissions ?? []), [permissions]);
  return (
    <div class="page">
      <div class="head">
        <h1>Users</h1>
      </div>
      <Table
        kind="users"
        where="/users"
        columns={columns}
        always={["name"]}
        keyOf={keyOf}
        bulk={BULK}
        noun={["user", "users"]}
        tools={<AddButton>Add a user</AddButton>}
        empty={<Empty title="No users">Somebody else proves who signs in here.</Empty>}
      />
      {adding.open && <AddUser onClose={adding.end} />}
    </div>
  );
}
