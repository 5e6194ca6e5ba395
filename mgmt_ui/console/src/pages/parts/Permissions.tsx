// Permissions, and permissions on topics, of one user or of one virtual host.
import { useState } from "preact/hooks";
import { allowed, type Permission, type TopicPermission } from "../../lib/admin";
import { path, remove } from "../../lib/api";
import { refresh, useLive } from "../../lib/live";
import { DEFAULT_EXCHANGE } from "../../lib/paths";
import { href } from "../../lib/router";
import { confirm } from "../../ui/Dialog";
import { Icon } from "../../ui/Icon";
import { Card, IconButton, Problem } from "../../ui/parts";
import { StackedTable } from "../../ui/StackedTable";
import { complain, say } from "../../ui/Toasts";
import { SetPermission, SetTopicPermission } from "../forms/SetPermission";

/** Whose: the other end of a permission is a column. */
export type Whose = { user: string; vhost?: undefined } | { vhost: string; user?: undefined };

function listOf(whose: Whose, list: string): string {
  return whose.user !== undefined ? `${path("users", whose.user)}/${list}` : `${path("vhosts", whose.vhost)}/${list}`;
}

function OtherEnd({ whose, row }: { whose: Whose; row: { user: string; vhost: string } }) {
  return whose.user !== undefined ? (
    <a href={href(["vhosts", row.vhost])}>{row.vhost}</a>
  ) : (
    <a href={href(["users", row.user])}>{row.user}</a>
  );
}

async function drop(title: string, where: string): Promise<void> {
  const text = "Who is connected and needs this is refused from now on.";
  if (!(await confirm({ title, text, verb: "Take away" }))) return;
  try {
    await remove(where);
    say("The permission is gone.");
  } catch (error) {
    complain(error);
  }
  refresh();
}

export function Permissions({ whose }: { whose: Whose }) {
  const { value: rows, error } = useLive<Permission[]>(listOf(whose, "permissions"));
  const [setting, setSetting] = useState<Partial<Permission> | null>(null);
  return (
    <Card
      flush
      title="Permissions"
      tools={
        <button type="button" class="button small" onClick={() => setSetting({ ...whose })}>
          <Icon name="plus" /> Set permissions
        </button>
      }
    >
      {error && <Problem error={error} />}
      {rows?.length === 0 && (
        <p class="soft" style={{ padding: "14px" }}>
          {whose.user !== undefined ? "This user may not enter any virtual host." : "Nobody may enter this virtual host."}
        </p>
      )}
      {rows !== undefined && rows.length > 0 && (
        <StackedTable
          label="Permissions"
          parts={[
            { title: whose.user !== undefined ? "Virtual host" : "User" },
            { title: "Configure" },
            { title: "Write" },
            { title: "Read" },
            { title: "Actions", silent: true, num: true },
          ]}
          rows={rows.map((row) => ({
            key: `${row.user} ${row.vhost}`,
            cells: [
              <OtherEnd key="other" whose={whose} row={row} />,
              ...[row.configure, row.write, row.read].map((pattern, i) => <Pattern key={i} of={pattern} />),
              <span key="actions" class="nowrap">
                <IconButton icon="policy" label={`Change the permissions of ${row.user} in ${row.vhost}`} onClick={() => setSetting(row)} />
                <IconButton
                  icon="trash"
                  label={`Take the permissions of ${row.user} in ${row.vhost} away`}
                  onClick={() => drop(`Take the permissions of ${row.user} in ${row.vhost} away?`, path("permissions", row.vhost, row.user))}
                />
              </span>,
            ],
          }))}
        />
      )}
      {setting && <SetPermission given={setting} onClose={() => setSetting(null)} />}
    </Card>
  );
}

export function TopicPermissions({ whose }: { whose: Whose }) {
  const { value: rows, error } = useLive<TopicPermission[]>(listOf(whose, "topic-permissions"));
  const [setting, setSetting] = useState<Partial<TopicPermission> | null>(null);
  return (
    <Card
      flush
      title="Topic permissions"
      tools={
        <button type="button" class="button small" onClick={() => setSetting({ ...whose })}>
          <Icon name="plus" /> Set topic permissions
        </button>
      }
    >
      {error && <Problem error={error} />}
      {rows?.length === 0 && (
        <p class="soft" style={{ padding: "14px" }}>
          None: every routing key of a topic exchange may be used where the exchange itself may.
        </p>
      )}
      {rows !== undefined && rows.length > 0 && (
        <StackedTable
          label="Topic permissions"
          parts={[
            { title: whose.user !== undefined ? "Virtual host" : "User" },
            { title: "Exchange" },
            { title: "Write keys" },
            { title: "Read keys" },
            { title: "Actions", silent: true, num: true },
          ]}
          rows={rows.map((row) => ({
            key: `${row.user} ${row.vhost} ${row.exchange}`,
            cells: [
              <OtherEnd key="other" whose={whose} row={row} />,
              row.exchange || "(default exchange)",
              <Pattern key="write" of={row.write} />,
              <Pattern key="read" of={row.read} />,
              <span key="actions" class="nowrap">
                <IconButton icon="policy" label={`Change the topic permissions of ${row.user} on ${row.exchange}`} onClick={() => setSetting(row)} />
                <IconButton
                  icon="trash"
                  label={`Take the topic permissions of ${row.user} on ${row.exchange} away`}
                  onClick={() =>
                    drop(
                      `Take the topic permissions of ${row.user} on ${row.exchange} away?`,
                      path("topic-permissions", row.vhost, row.user, row.exchange || DEFAULT_EXCHANGE),
                    )
                  }
                />
              </span>,
            ],
          }))}
        />
      )}
      {setting && <SetTopicPermission given={setting} onClose={() => setSetting(null)} />}
    </Card>
  );
}

function Pattern({ of }: { of: string }) {
  return <span title={allowed(of)}>{of ? <code>{of}</code> : <span class="faint">nothing</span>}</span>;
}
