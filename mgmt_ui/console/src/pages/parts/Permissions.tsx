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
        <div class="plain">
          <table class="table">
            <thead>
              <tr>
                <th scope="col">{whose.user !== undefined ? "Virtual host" : "User"}</th>
                <th scope="col">Configure</th>
                <th scope="col">Write</th>
                <th scope="col">Read</th>
                <th scope="col">
                  <span class="visually-hidden">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={`${row.user} ${row.vhost}`}>
                  <td class="name">
                    <OtherEnd whose={whose} row={row} />
                  </td>
                  {[row.configure, row.write, row.read].map((pattern, i) => (
                    <td key={i} title={allowed(pattern)}>
                      {pattern ? <code>{pattern}</code> : <span class="faint">nothing</span>}
                    </td>
                  ))}
                  <td class="num nowrap">
                    <IconButton icon="policy" label={`Change the permissions of ${row.user} in ${row.vhost}`} onClick={() => setSetting(row)} />
                    <IconButton
                      icon="trash"
                      label={`Take the permissions of ${row.user} in ${row.vhost} away`}
                      onClick={() => drop(`Take the permissions of ${row.user} in ${row.vhost} away?`, path("permissions", row.vhost, row.user))}
                    />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
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
        <div class="plain">
          <table class="table">
            <thead>
              <tr>
                <th scope="col">{whose.user !== undefined ? "Virtual host" : "User"}</th>
                <th scope="col">Exchange</th>
                <th scope="col">Write keys</th>
                <th scope="col">Read keys</th>
                <th scope="col">
                  <span class="visually-hidden">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={`${row.user} ${row.vhost} ${row.exchange}`}>
                  <td class="name">
                    <OtherEnd whose={whose} row={row} />
                  </td>
                  <td>{row.exchange || "(default exchange)"}</td>
                  <td title={allowed(row.write)}>
                    <code>{row.write}</code>
                  </td>
                  <td title={allowed(row.read)}>
                    <code>{row.read}</code>
                  </td>
                  <td class="num nowrap">
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
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {setting && <SetTopicPermission given={setting} onClose={() => setSetting(null)} />}
    </Card>
  );
}
