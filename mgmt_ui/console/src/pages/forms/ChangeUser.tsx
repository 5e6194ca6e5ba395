// Another password, or other tags, for a user that is there.
import { useState } from "preact/hooks";
import type { User } from "../../lib/admin";
import { path, put } from "../../lib/api";
import { session } from "../../lib/session";
import { Check, Text } from "../../ui/Field";
import { FormDialog } from "../../ui/FormDialog";
import { TagsField } from "./TagsField";

interface Props {
  user: User;
  onClose: () => void;
}

export function ChangePassword({ user, onClose }: Props) {
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const [none, setNone] = useState(false);
  const run = async () => {
    const credentials = none ? { password_hash: "" } : { password };
    await put(path("users", user.name), { ...credentials, tags: user.tags });
    return none ? `${user.name} has no password any more.` : `${user.name} has another password.`;
  };
  return (
    <FormDialog
      title={`Password of ${user.name}`}
      verb={none ? "Take the password away" : "Set the password"}
      disabled={!none && (!password || password !== again)}
      run={run}
      onClose={onClose}
    >
      {!none && (
        <>
          <Text label="New password" type="password" value={password} onChange={setPassword} autofocus />
          <Text
            label="New password again"
            type="password"
            value={again}
            onChange={setAgain}
            error={again && again !== password ? "This is not the same." : undefined}
          />
        </>
      )}
      <div class="field all">
        <Check label="No password: only certificates and tokens sign in" value={none} onChange={setNone} />
      </div>
    </FormDialog>
  );
}

export function ChangeTags({ user, onClose }: Props) {
  const [tags, setTags] = useState(user.tags);
  const mine = user.name === session.value?.user && user.tags.includes("administrator") && !tags.includes("administrator");
  const run = async () => {
    await put(path("users", user.name), { tags });
    return `The tags of ${user.name} are changed.`;
  };
  return (
    <FormDialog title={`Tags of ${user.name}`} verb="Change the tags" run={run} onClose={onClose}>
      {mine && <p class="banner warn all">This is you: without this tag you cannot take it back yourself.</p>}
      <TagsField tags={tags} onChange={setTags} />
    </FormDialog>
  );
}
