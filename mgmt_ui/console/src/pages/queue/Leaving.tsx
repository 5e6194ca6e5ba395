// Where messages go from a queue but to consumers: as dead letters, and from there on.
import { useLive } from "../../lib/live";
import { exchangeHref, exchangePath, queueHref } from "../../lib/paths";
import type { Binding, Queue } from "../../lib/types";
import { Badge, Card } from "../../ui/parts";

/** A setting of the queue by argument, else by policy. */
function setting(queue: Queue, key: string): string | undefined {
  const value = queue.arguments[`x-${key}`] ?? queue.effective_policy_definition?.[key];
  return typeof value === "string" ? value : undefined;
}

export function Leaving({ queue }: { queue: Queue }) {
  const exchange = setting(queue, "dead-letter-exchange");
  const key = setting(queue, "dead-letter-routing-key");
  const there = exchange === undefined || exchange === "" ? null : `${exchangePath({ vhost: queue.vhost, name: exchange })}/bindings/source`;
  const { value, error } = useLive<Binding[]>(there);
  const direct = exchange === "" ? [key ?? ""] : [];
  const queues = [...new Set([...direct, ...(value ?? []).filter(({ destination_type: type }) => type === "queue").map(({ destination }) => destination)])];
  return (
    <Card title="Where messages go from here">
      <div class="stack">
        <p>
          <b>Consumers</b> <span class="soft">take them, {queue.consumers ? `${queue.consumers} of them now` : "but nobody does now"}.</span>
        </p>
        {exchange === undefined ? (
          <p class="soft">
            <b>Dead letters</b> are dropped: there is no dead letter exchange. A policy with <code>dead-letter-exchange</code> changes that for this queue without
            declaring it anew.
          </p>
        ) : (
          <p>
            <b>Dead letters</b> <span class="soft">go through</span>{" "}
            <a href={exchangeHref({ vhost: queue.vhost, name: exchange })}>{exchange || "the default exchange"}</a>{" "}
            <span class="soft">with {key === undefined ? "the routing key they had" : <code>{key}</code>}</span>
            {queues.length > 0 && <span class="soft">, which leads to </span>}
            {queues.map((name, i) => (
              <span key={name}>
                {i > 0 && ", "}
                <a href={queueHref({ vhost: queue.vhost, name })}>{name || "the queue of their own key"}</a>
              </span>
            ))}
            .
          </p>
        )}
        {error?.status === 404 && (
          <p class="banner warn">
            <Badge tone="warn">lost</Badge> There is no exchange “{exchange}”: dead letters are dropped. Declare it, or change the policy.
          </p>
        )}
        {there && value?.length === 0 && (
          <p class="banner warn">
            <Badge tone="warn">lost</Badge> Nothing is bound to “{exchange}”: dead letters find no queue and are dropped.
          </p>
        )}
      </div>
    </Card>
  );
}
