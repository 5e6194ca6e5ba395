// The figures of a queue, as tiles.
import { bytes, count, percent, span } from "../../lib/format";
import type { Queue } from "../../lib/types";
import { Ago, Tile } from "../../ui/parts";

/** How full it is, for how long, and who takes from it. */
export function Figures({ queue }: { queue: Queue | undefined }) {
  const idle = queue?.consumers === 0 && (queue.messages_ready ?? 0) > 0;
  return (
    <div class="tiles">
      <Tile label="Ready" value={count(queue?.messages_ready)} note={bytes(queue?.message_bytes_ready as number)} />
      <Tile label="Unacknowledged" value={count(queue?.messages_unacknowledged)} note={bytes(queue?.message_bytes_unacknowledged as number)} />
      <Tile
        label="Consumers"
        value={count(queue?.consumers)}
        tone={idle ? "warn" : ""}
        note={idle ? "messages wait, nobody consumes" : `capacity ${percent(queue?.consumer_capacity)}`}
      />
      <Tile label="On disk" value={count(queue?.messages_persistent as number | undefined)} note="persistent messages" />
      <Tile label="Oldest message" value={<Oldest queue={queue} />} note={queue?.messages_ready ? "waits to be delivered" : "nothing waits"} />
    </div>
  );
}

function Oldest({ queue }: { queue: Queue | undefined }) {
  const age = queue?.oldest_message_age;
  if (typeof age === "number") return <>{span(age * 1000)}</>;
  const head = queue?.head_message_timestamp;
  return typeof head === "number" ? <Ago time={head * 1000} /> : <>–</>;
}
