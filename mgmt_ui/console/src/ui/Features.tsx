// How a queue or an exchange is, as signs in a list: what each means is said when pointed at.
import { signs } from "../lib/words";
import type { Arguments } from "../lib/types";
import { Badge } from "./parts";

interface Featured {
  durable?: boolean;
  auto_delete?: boolean;
  exclusive?: boolean;
  internal?: boolean;
  arguments?: Arguments;
  policy?: string | null;
  operator_policy?: string | null;
}

export function Features({ of }: { of: Featured }) {
  return (
    <span class="row" style={{ gap: "4px", flexWrap: "nowrap" }}>
      {of.durable && <Badge title="Durable: outlives a restart of the broker">D</Badge>}
      {of.auto_delete && <Badge title="Deleted when its last user goes">AD</Badge>}
      {of.exclusive && <Badge title="Belongs to one connection and ends with it">Excl</Badge>}
      {of.internal && <Badge title="Internal: nobody can publish to it directly">I</Badge>}
      {signs(of.arguments).map(({ sign, text }) => (
        <Badge key={text} title={text}>
          {sign}
        </Badge>
      ))}
      {of.policy && (
        <Badge tone="accent" title="Policy">
          {of.policy}
        </Badge>
      )}
      {of.operator_policy && (
        <Badge tone="info" title="Operator policy">
          {of.operator_policy}
        </Badge>
      )}
    </span>
  );
}
