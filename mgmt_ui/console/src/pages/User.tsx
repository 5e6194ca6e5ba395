// One user: tags, password, limits, permissions.
import { TAGS, USER_LIMITS, type User as UserObject } from "../lib/admin";
import { path, remove } from "../lib/api";
import { answered, asked, askFor, useQuestion } from "../lib/asked";
import { useLive } from "../lib/live";
import { go, href } from "../lib/router";
import { session } from "../lib/session";
import type { PageProps } from "../routes";
import { confirm, dismiss } from "../ui/Dialog";
import { Icon } from "../ui/Icon";
import { Badge, Card, Empty, Facts, Menu, Problem } from "../ui/parts";
import { complain, say } from "../ui/Toasts";
import { ChangePassword, ChangeTags } from "./forms/ChangeUser";
import { LimitsCard } from "./parts/Limits";
import { Permissions, TopicPermissions } from "./parts/Permissions";
import "../styles/admin.css";

export default function User({ args }: PageProps) {
  const name = args.name ?? "";
  const { value: user, error } = useLive<UserObject>(path("users", name));
  const changing = asked();
  useQuestion("delete", user !== undefined, () => drop(name), dismiss);
  if (error?.status === 404) {
    return (
      <Empty title={`There is no user “${name}”`}>
        <a href={href(["users"])}>To all users</a>
      </Empty>
    );
  }
  if (error) return <Problem error={error} />;
  const meanings = TAGS.filter(([tag]) => user?.tags.includes(tag));
  return (
    <div class="page">
      <div class="head">
        <nav class="crumbs" aria-label="Where this is">
          <a href={href(["users"])}>Users</a> <span aria-hidden="true">›</span>
        </nav>
        <h1>{name}</h1>
        {name === session.value?.user && <Badge tone="accent">you</Badge>}
        <span class="grow" />
        <button type="button" class="button" onClick={() => askFor("tags")} disabled={!user}>
          <Icon name="user" /> Tags
        </button>
        <button type="button" class="button" onClick={() => askFor("password")} disabled={!user}>
          <Icon name="admin" /> Password
        </button>
        <Menu kind="icon" title="More actions" label={<Icon name="more" />}>
          <button type="button" onClick={() => askFor("delete")}>
            <Icon name="trash" /> Delete…
          </button>
        </Menu>
      </div>
      <div class="cards">
        <Card title="Details">
          <Facts
            of={[
              ["Tags", user?.tags.join(", ") || "none"],
              ["Password", user?.password_hash ? "set" : "none: cannot sign in by password"],
              ...meanings.map(([tag, text]) => [tag, text] as [string, string]),
            ]}
          />
        </Card>
        {user && <LimitsCard kind="user-limits" name={name} known={USER_LIMITS} value={user.limits} changeable />}
      </div>
      <Permissions whose={{ user: name }} />
      <TopicPermissions whose={{ user: name }} />
      {changing === "password" && user && <ChangePassword user={user} onClose={answered} />}
      {changing === "tags" && user && <ChangeTags user={user} onClose={answered} />}
    </div>
  );
}

async function drop(name: string): Promise<void> {
  const sure = await confirm({
    title: `Delete ${name}?`,
    text:
      name === session.value?.user
        ? "This is you: you will be signed out, and may be unable to come back."
        : "The user cannot sign in any more, its connections are closed, its permissions are gone.",
    verb: "Delete the user",
    type: name,
  });
  if (!sure) return;
  try {
    await remove(path("users", name));
    say(`${name} is deleted.`);
    go(href(["users"]));
  } catch (error) {
    complain(error);
  }
}
