// The policy that something is under, with the way to it.
import { href } from "../lib/router";

export function PolicyLink({ name, operator = false }: { name: string | null | undefined; operator?: boolean }) {
  if (!name) return <>none</>;
  return <a href={href(["policies"], { q: name, kind: operator ? "operator" : "" })}>{name}</a>;
}
