// Making a virtual host, and saying other things of one that is there.
import { useState } from "preact/hooks";
import { ApiError, get, path, put } from "../../lib/api";
import type { Vhost } from "../../lib/types";
import { Check, Select, Text } from "../../ui/Field";
import { FormDialog } from "../../ui/FormDialog";

const QUEUE_TYPES: [string, string][] = [
  ["classic", "classic"],
  ["quorum", "quorum"],
  ["stream", "stream"],
];

export function EditVhost({ given, onClose }: { given?: Vhost; onClose: () => void }) {
  const [name, setName] = useState(given?.name ?? "");
  const [description, setDescription] = useState(given?.description ?? "");
  const [tags, setTags] = useState((given?.tags ?? []).join(", "));
  const [type, setType] = useState(given?.default_queue_type || "classic");
  const [tracing, setTracing] = useState(given?.tracing ?? false);
  const [safe, setSafe] = useState(given?.protected_from_deletion ?? false);
  const run = async () => {
    // The API would change what is said of the one that is there.
    if (!given && (await exists(name))) throw new Error(`There is a virtual host ${name} already.`);
    await put(path("vhosts", name), {
      description,
      tags: tags.split(",").map((each) => each.trim()).filter(Boolean),
      default_queue_type: type,
      tracing,
      protected_from_deletion: safe,
    });
    return given ? `${name} is changed.` : `Virtual host ${name} is there, and you may do everything in it.`;
  };
  return (
    <FormDialog
      title={given ? `Change ${given.name}` : "Add a virtual host"}
      verb={given ? "Change it" : "Add the virtual host"}
      disabled={!name}
      fields={{ name: /^(There is a virtual host|name is)/ }}
      run={run}
      onClose={onClose}
    >
      {(at) => (
        <>
          {!given && <Text all label="Name" value={name} onChange={setName} required autofocus error={at("name")} />}
          <Text all label="Description" value={description} onChange={setDescription} autofocus={Boolean(given)} />
          <Text label="Tags" hint="Separated by commas." value={tags} onChange={setTags} />
          <Select label="Type of queues that do not name theirs" value={type} onChange={setType} options={QUEUE_TYPES} />
          <div class="field all">
            <Check label="Protected: cannot be deleted until this is taken back" value={safe} onChange={setSafe} />
            <Check label="Traced: copies of all messages go to amq.rabbitmq.trace" value={tracing} onChange={setTracing} />
          </div>
        </>
      )}
    </FormDialog>
  );
}

async function exists(name: string): Promise<boolean> {
  try {
    await get(path("vhosts", name));
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return false;
    throw error;
  }
}
