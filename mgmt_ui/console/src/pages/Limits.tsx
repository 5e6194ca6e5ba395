// All limits: of virtual hosts, and of users.
import { type Limits as LimitsRow, USER_LIMITS, VHOST_LIMITS } from "../lib/admin";
import { count } from "../lib/format";
import { useLive } from "../lib/live";
import { href } from "../lib/router";
import { isAdministrator } from "../lib/session";
import type { Vhost } from "../lib/types";
import { Card, Problem } from "../ui/parts";
import { StackedTable } from "../ui/StackedTable";
import "../styles/admin.css";

interface Kind {
  title: string;
  page: "vhosts" | "users";
  noun: string;
  of: (row: LimitsRow) => string;
  known: [string, string][];
}

const KINDS: Record<"vhost" | "user", Kind> = {
  vhost: { title: "Virtual hosts", page: "vhosts", noun: "Virtual host", of: ({ vhost }) => vhost ?? "", known: VHOST_LIMITS },
  user: { title: "Users", page: "users", noun: "User", of: ({ user }) => user ?? "", known: USER_LIMITS },
};

export default function Limits() {
  const vhosts = useLive<Vhost[]>("/vhosts").value ?? [];
  const users = useLive<Vhost[]>(isAdministrator.value ? "/users?columns=name" : null).value ?? [];
  return (
    <div class="page">
      <div class="head">
        <h1>Limits</h1>
      </div>
      <p class="soft" style={{ maxWidth: "760px" }}>
        How much a virtual host or a user may have. What is beyond a limit is refused with an error that names it; what was there before
        stays.
      </p>
      <LimitsTable kind={KINDS.vhost} where="/vhost-limits" names={vhosts.map(({ name }) => name)} />
      {isAdministrator.value && <LimitsTable kind={KINDS.user} where="/user-limits" names={users.map(({ name }) => name)} />}
    </div>
  );
}

function LimitsTable({ kind, where, names }: { kind: Kind; where: string; names: string[] }) {
  const { value, error } = useLive<LimitsRow[]>(where);
  const set = new Map((value ?? []).map((row) => [kind.of(row), row.value]));
  return (
    <Card title={kind.title} flush>
      {error && <Problem error={error} />}
      <StackedTable
        label={`Limits of ${kind.title.toLowerCase()}`}
        parts={[{ title: kind.noun }, ...kind.known.map(([, label]) => ({ title: label.replace(" at most", ""), num: true }))]}
        rows={names.map((name) => ({
          key: name,
          cells: [
            <a key="name" href={href([kind.page, name])}>
              {name}
            </a>,
            ...kind.known.map(([limit]) => bounded(set.get(name)?.[limit])),
          ],
        }))}
      />
    </Card>
  );
}

/** A negative number is no limit either. */
function bounded(limit: number | undefined) {
  return limit === undefined || limit < 0 ? <span class="faint">none</span> : count(limit);
}
