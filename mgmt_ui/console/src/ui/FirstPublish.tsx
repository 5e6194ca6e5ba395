// For a broker or a queue that has seen nothing yet: how to send the first message.
import { session } from "../lib/session";
import { Snippet } from "./parts";

export function FirstPublish({ vhost = "/", queue = "orders", exists = false }: { vhost?: string; queue?: string; exists?: boolean }) {
  const host = location.hostname.replace(/^\[|\]$/g, "");
  const user = session.value?.user ?? "guest";
  const address = `amqp://${encodeURIComponent(user)}:PASSWORD@${location.hostname || host}:5672/${encodeURIComponent(vhost)}`;
  const name = JSON.stringify(queue);
  const lines = [
    "import pika",
    "",
    `parameters = pika.URLParameters(${JSON.stringify(address)})`,
    "channel = pika.BlockingConnection(parameters).channel()",
    ...(exists ? [] : [`channel.queue_declare(${name}, durable=True)`]),
    "channel.confirm_delivery()",
    "persistent = pika.BasicProperties(delivery_mode=2)",
    `channel.basic_publish("", ${name}, b"one hare", persistent)  # returns when the disk has it`,
  ];
  return (
    <div class="stack">
      <p class="soft">
        With Python and <code>pip install pika</code>; any AMQP 0-9-1 client of any language works as well.
      </p>
      <Snippet text={lines.join("\n")} />
    </div>
  );
}
