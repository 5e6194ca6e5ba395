// The policy that something is under, with the way to it for those who may change it.
import { href } from "../lib/router";
import { may } from "../lib/session";

export function PolicyLink({ name, operator = false }: { name: string | null | undefined; operator?: boolean }) {
  if (!name) return <>none</>;
  if (!may("policymaker")) return <>{name}</>;
  return <a href={href(["policies"], { q: name, kind: operator ? "operator" : "" })}>{name}</a>;
}
