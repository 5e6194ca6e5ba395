// Nothing to show: why that may be, and what to do about it.
import { count, plural } from "../../lib/format";
import { setQuery } from "../../lib/router";
import type { Queue } from "../../lib/types";
import { Empty } from "../../ui/parts";
import { FirstPublish } from "../../ui/FirstPublish";

interface Props {
  queue: Queue;
  searching: boolean;
  state: string;
  first: number;
  scanned: number;
}

export function NoMessages({ queue, searching, state, first, scanned }: Props) {
  if (searching) {
    return (
      <Empty title="No message fits">
        <p class="soft">
          {plural(scanned, "message")} {scanned === 1 ? "was" : "were"} looked at. Texts have to be written as they stand in the message, small and capital letters
          alike; ids, keys and headers have to fit as a whole.
        </p>
        <button type="button" class="button" onClick={() => setQuery({ find: "", m: "" })}>
          Show all messages
        </button>
      </Empty>
    );
  }
  if (first > 0) {
    return (
      <Empty title={`There is no message ${count(first + 1)}`}>
        <button type="button" class="button" onClick={() => setQuery({ from: "" })}>
          To the oldest
        </button>
      </Empty>
    );
  }
  const unacked = queue.messages_unacknowledged ?? 0;
  if (state === "unacked") return <Empty title="Nothing is unacknowledged">Consumers hold no message of this queue.</Empty>;
  if (state === "ready" && unacked > 0) {
    return (
      <Empty title="Nothing is ready">
        <p class="soft">Consumers hold {plural(unacked, "message")} and have not acknowledged them.</p>
        <button type="button" class="button" onClick={() => setQuery({ state: "unacked" })}>
          Show these
        </button>
      </Empty>
    );
  }
  const busy = (queue.consumers ?? 0) > 0;
  return (
    <Empty title="The queue is empty">
      <p class="soft">
        {busy ? "Its consumers take what comes at once. To see messages here, pause the queue for a moment." : "Messages show up here as they come. This sends the first one:"}
      </p>
      {!busy && <FirstPublish vhost={queue.vhost} queue={queue.name} exists />}
    </Empty>
  );
}
