// What the user may do with an object by the permissions in its virtual host, so that what would be
// refused is not offered. The broker decides; where this cannot tell, the action is shown.
import { useLive } from "./live";
import { may, session } from "./session";

export type Permission = "configure" | "write" | "read";

/** A row of GET /whoami/permissions; null: another back end knows, and is asked for each action. */
export type Rights = { vhost: string } & Record<Permission, string | null>;

// Where the broker's regular expressions (PCRE) and the browser's may not mean the same.
const FOREIGN = /\(\?|\\[^dDwWsSbB\W]|[*+?}]\+|\[\[/;

/** Whether a pattern of a permission fits a name; undefined where only the broker can tell. */
export function fits(pattern: string | null, name: string): boolean | undefined {
  if (pattern === null) return undefined;
  // The broker's empty pattern fits no name.
  if (pattern === "") return false;
  if (FOREIGN.test(pattern)) return undefined;
  try {
    return new RegExp(pattern).test(name);
  } catch {
    return undefined;
  }
}

/** Whether an action would be allowed, as far as can be told; `rows` undefined: not known yet. */
export function allowed(rows: Rights[] | undefined, permission: Permission, vhost: string, name: string): boolean {
  if (!rows) return false;
  const row = rows.find((each) => each.vhost === vhost);
  return row !== undefined && (fits(row[permission], name) ?? true);
}

// How one says that no name fits.
const NOTHING = new Set(["", "^$"]);

/** Whether there may be any name for which it is allowed in a virtual host ("" for any). */
export function allowedSomewhere(rows: Rights[] | undefined, permission: Permission, vhost: string): boolean {
  return (rows ?? []).some((row) => (vhost === "" || row.vhost === vhost) && !NOTHING.has(row[permission] ?? ".*"));
}

/** The user's own permissions, as they are now; `failed` where the broker does not tell them. */
function useRights(): { rows: Rights[] | undefined; failed: boolean } {
  const { value, error } = useLive<Rights[]>("/whoami/permissions");
  return { rows: value, failed: error !== undefined };
}

export type May = (permission: Permission, vhost: string, name: string) => boolean;

/** `const may = useMay()`, then `may("write", "/", "orders")`; the default exchange is amq.default. */
export function useMay(): May {
  const { rows, failed } = useRights();
  return (permission, vhost, name) => failed || allowed(rows, permission, vhost, name);
}

/** Whether the user may make objects in a virtual host; "" for any. */
export function useMayMake(vhost: string): boolean {
  const { rows, failed } = useRights();
  return failed || allowedSomewhere(rows, "configure", vhost);
}

/** Whether a client of this user may be closed: one's own, or any by an administrator. */
export function mayClose(user: string | undefined): boolean {
  return may("administrator") || user === session.value?.user;
}
