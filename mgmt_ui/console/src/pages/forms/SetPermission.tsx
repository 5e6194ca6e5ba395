// What a user may do in a virtual host, and with which routing keys.
import { useState } from "preact/hooks";
import { allowed, type Permission, type TopicPermission, type User } from "../../lib/admin";
import { path, put } from "../../lib/api";
import { useLive } from "../../lib/live";
import type { Exchange, Vhost } from "../../lib/types";
import { Select, Text } from "../../ui/Field";
import { FormDialog } from "../../ui/FormDialog";

interface Props<T> {
  /** What is known already: a new one has one end, a changed one all. */
  given: Partial<T>;
  onClose: () => void;
}

const FIELDS = { pattern: /regular|pattern|regexp/i };

/** The chosen user and virtual host; those that are not given are asked for. */
function useEnds(given: { user?: string; vhost?: string }) {
  const users = useLive<User[]>(given.user === undefined ? "/users?columns=name" : null).value ?? [];
  const vhosts = useLive<Vhost[]>(given.vhost === undefined ? "/vhosts" : null).value ?? [];
  const [chosenUser, setUser] = useState("");
  const [chosenVhost, setVhost] = useState("");
  const user = given.user ?? (chosenUser || users[0]?.name || "");
  const vhost = given.vhost ?? (chosenVhost || vhosts[0]?.name || "");
  const fields = (
    <>
      {given.user === undefined && (
        <Select label="User" value={user} onChange={setUser} options={users.map(({ name }) => [name, name])} />
      )}
      {given.vhost === undefined && (
        <Select label="Virtual host" value={vhost} onChange={setVhost} options={vhosts.map(({ name }) => [name, name])} />
      )}
    </>
  );
  return { user, vhost, fields };
}

export function SetPermission({ given, onClose }: Props<Permission>) {
  const { user, vhost, fields } = useEnds(given);
  const [configure, setConfigure] = useState(given.configure ?? ".*");
  const [write, setWrite] = useState(given.write ?? ".*");
  const [read, setRead] = useState(given.read ?? ".*");
  const run = async () => {
    await put(path("permissions", vhost, user), { configure, write, read });
    return `${user} has these permissions in ${vhost}.`;
  };
  return (
    <FormDialog title="Set permissions" verb="Set the permissions" disabled={!user || !vhost} run={run} onClose={onClose}>
      {fields}
      <p class="soft all">Regular expressions on the names of queues and exchanges; an empty one allows nothing.</p>
      <Text all mono label="Configure" hint={`Make and delete: ${allowed(configure)}.`} value={configure} onChange={setConfigure} autofocus />
      <Text all mono label="Write" hint={`Publish to, bind: ${allowed(write)}.`} value={write} onChange={setWrite} />
      <Text all mono label="Read" hint={`Consume from, get, purge: ${allowed(read)}.`} value={read} onChange={setRead} />
    </FormDialog>
  );
}

export function SetTopicPermission({ given, onClose }: Props<TopicPermission>) {
  const { user, vhost, fields } = useEnds(given);
  const found = useLive<Exchange[]>(vhost ? `${path("exchanges", vhost)}?columns=name,type` : null).value ?? [];
  const topics = found.filter(({ type }) => type === "topic").map(({ name }) => name);
  const [chosen, setChosen] = useState("");
  const exchange = given.exchange ?? (chosen || topics[0] || "amq.topic");
  const [write, setWrite] = useState(given.write ?? ".*");
  const [read, setRead] = useState(given.read ?? ".*");
  const run = async () => {
    await put(path("topic-permissions", vhost, user), { exchange, write, read });
    return `${user} has these topic permissions on ${exchange}.`;
  };
  return (
    <FormDialog title="Set topic permissions" verb="Set the permissions" fields={FIELDS} disabled={!user || !vhost} run={run} onClose={onClose}>
      {(at) => (
        <>
          {fields}
          {given.exchange === undefined && (
            <Select label="Topic exchange" value={exchange} onChange={setChosen} options={topics.map((each) => [each, each])} />
          )}
          <Text all mono label="Write keys" hint={`Routing keys of what is published: ${allowed(write)}.`} value={write} onChange={setWrite} error={at("pattern")} />
          <Text all mono label="Read keys" hint={`Binding keys of what is consumed: ${allowed(read)}.`} value={read} onChange={setRead} />
        </>
      )}
    </FormDialog>
  );
}
