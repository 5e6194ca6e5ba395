// The trace of a virtual host: whether copies of all its messages are made, and how to read them.
import { path, put } from "../../lib/api";
import { refresh } from "../../lib/live";
import { queueHref } from "../../lib/paths";
import type { Vhost } from "../../lib/types";
import { confirm } from "../../ui/Dialog";
import { Icon } from "../../ui/Icon";
import { Badge, Card, Snippet } from "../../ui/parts";
import { complain, say } from "../../ui/Toasts";

const EXCHANGE = "amq.rabbitmq.trace";
const QUEUE = "trace";

export function Tracing({ vhost }: { vhost: Vhost }) {
  const { name, tracing = false } = vhost;
  return (
    <Card
      title={
        <>
          Tracing {tracing ? <Badge tone="warn">on</Badge> : <Badge>off</Badge>}
        </>
      }
      tools={
        <button type="button" class="button small" onClick={() => void change(vhost, !tracing)}>
          <Icon name={tracing ? "pause" : "play"} /> {tracing ? "Turn it off" : "Turn it on…"}
        </button>
      }
    >
      {tracing ? (
        <div class="stack">
          <p>
            A copy of each message that is published or delivered here goes to <code>{EXCHANGE}</code>, with the key <code>publish.EXCHANGE</code> or{" "}
            <code>deliver.QUEUE</code> and what happened in its headers. It costs: turn it off when you have seen enough.
          </p>
          <p class="soft">
            Bind a queue of limited length to it, and look into that: <a href={queueHref({ vhost: name, name: QUEUE }, { tab: "messages" })}>{QUEUE}</a>.
          </p>
          <Snippet text={EXAMPLE} />
        </div>
      ) : (
        <p class="soft">Messages pass without a trace. Turned on, copies of all that is published and delivered here can be looked at in a queue.</p>
      )}
    </Card>
  );
}

const EXAMPLE = `channel.queue_declare("${QUEUE}", arguments={"x-max-length": 1000})
channel.queue_bind("${QUEUE}", "${EXCHANGE}", "#")  # or deliver.orders`;

/** Says all of it anew, as the API wants it; only tracing is another. */
async function change({ name, description = "", tags = [], default_queue_type: type }: Vhost, tracing: boolean): Promise<void> {
  const sure = !tracing || (await confirm({
    title: `Trace ${name}?`,
    text: "Every message is then copied when it is published and when it is delivered, which takes a good part of the broker's speed here.",
    verb: "Trace it",
    danger: false,
  }));
  if (!sure) return;
  try {
    await put(path("vhosts", name), { description, tags, ...(type ? { default_queue_type: type } : {}), tracing });
    say(tracing ? `${name} is traced.` : `${name} is traced no longer.`);
  } catch (error) {
    complain(error);
  }
  refresh();
}
