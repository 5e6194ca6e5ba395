// Making a user, with the way into a virtual host that nearly every user needs.
import { useState } from "preact/hooks";
import { get, path, put } from "../../lib/api";
import { ApiError } from "../../lib/api";
import { useLive } from "../../lib/live";
import { vhostForNew } from "../../lib/paths";
import type { Vhost } from "../../lib/types";
import { Check, Select, Text } from "../../ui/Field";
import { FormDialog } from "../../ui/FormDialog";
import { TagsField } from "./TagsField";

export function AddUser({ onClose }: { onClose: () => void }) {
  const vhosts = useLive<Vhost[]>("/vhosts").value ?? [{ name: "/" }];
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const [tags, setTags] = useState<string[]>([]);
  const [enter, setEnter] = useState(true);
  const [vhost, setVhost] = useState(vhostForNew());
  const run = async () => {
    // The API would change the user that is there, password and all.
    if (await exists(name)) throw new Error(`There is a user ${name} already.`);
    const credentials = password ? { password } : { password_hash: "" };
    await put(path("users", name), { ...credentials, tags });
    if (enter) await put(path("permissions", vhost, name), { configure: ".*", write: ".*", read: ".*" });
    return `User ${name} is there.`;
  };
  return (
    <FormDialog
      title="Add a user"
      verb="Add the user"
      disabled={!name || password !== again}
      fields={{ name: /^(There is a user|name is)/ }}
      run={run}
      onClose={onClose}
    >
      {(at) => (
        <>
          <Text label="Name" value={name} onChange={setName} required autofocus all error={at("name")} />
          <Text
            label="Password"
            type="password"
            value={password}
            onChange={setPassword}
            hint={password ? "" : "Without one the user cannot sign in by password, only by a certificate or a token."}
          />
          <Text
            label="Password again"
            type="password"
            value={again}
            onChange={setAgain}
            error={again && again !== password ? "This is not the same." : undefined}
          />
          <TagsField tags={tags} onChange={setTags} />
          <div class="field all">
            <Check label="May do everything in a virtual host" value={enter} onChange={setEnter} />
            {enter && (
              <Select label="Virtual host" value={vhost} onChange={setVhost} options={vhosts.map((each) => [each.name, each.name])} />
            )}
          </div>
        </>
      )}
    </FormDialog>
  );
}

async function exists(name: string): Promise<boolean> {
  try {
    await get(path("users", name));
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return false;
    throw error;
  }
}
