// The messages of a queue: looked at, taken, searched, sent again.
import { useState } from "preact/hooks";
import { post } from "../../lib/api";
import { plural } from "../../lib/format";
import { refresh } from "../../lib/live";
import { contains, type Message } from "../../lib/messages";
import { queuePath } from "../../lib/paths";
import type { Queue } from "../../lib/types";
import { confirm } from "../../ui/Dialog";
import { Select, Text } from "../../ui/Field";
import { FirstPublish } from "../../ui/FirstPublish";
import { Icon } from "../../ui/Icon";
import { MessageView } from "../../ui/MessageView";
import { Card, Empty, Problem } from "../../ui/parts";
import { Publish } from "../forms/Publish";

const MODES: [string, string][] = [
  ["ack_requeue_true", "Look, and put them back"],
  ["ack_requeue_false", "Take them for good"],
  ["reject_requeue_false", "Reject them (dead-letters)"],
];

const HINTS: Record<string, string> = {
  ack_requeue_true: "They keep their place, and are marked as redelivered.",
  ack_requeue_false: "They are removed from the queue.",
  reject_requeue_false: "They go to the dead letter exchange, or nowhere if there is none.",
};

export function Messages({ queue }: { queue: Queue }) {
  const [mode, setMode] = useState("ack_requeue_true");
  const [many, setMany] = useState("20");
  const [found, setFound] = useState<Message[]>();
  const [search, setSearch] = useState("");
  const [error, setError] = useState<Error>();
  const [like, setLike] = useState<Message>();
  const fetch = async (event: Event) => {
    event.preventDefault();
    if (mode !== "ack_requeue_true" && !(await sure(many))) return;
    setError(undefined);
    try {
      const asked = { count: Number(many), ackmode: mode, encoding: "auto", truncate: 50_000 };
      setFound(await post<Message[]>(`${queuePath(queue)}/get`, asked));
      refresh();
    } catch (problem) {
      setError(problem as Error);
    }
  };
  const shown = (found ?? []).filter((each) => !search || contains(each, search));
  return (
    <>
      <Card title="Messages">
        <form class="form" style={{ gridTemplateColumns: "repeat(auto-fit, minmax(min(180px, 100%), 1fr))" }} onSubmit={fetch}>
          <Select label="What to do" value={mode} options={MODES} onChange={setMode} hint={HINTS[mode]} />
          <Text label="How many" type="number" value={many} onChange={setMany} hint={`${plural(queue.messages_ready ?? 0, "message")} ready`} />
          <div class="field">
            <span class="label">&nbsp;</span>
            <button type="submit" class="button primary">
              <Icon name="eye" /> {mode === "ack_requeue_true" ? "Look" : "Take"}
            </button>
          </div>
        </form>
      </Card>
      {error && <Problem error={error} />}
      {found && (
        <Card
          flush
          title={plural(found.length, "message")}
          tools={
            found.length > 0 && (
              <input
                class="input"
                style={{ width: "240px" }}
                type="search"
                placeholder="Search in these"
                aria-label="Search in these messages"
                value={search}
                onInput={(event) => setSearch(event.currentTarget.value)}
              />
            )
          }
        >
          {found.length === 0 && (
            <Empty title="No message is ready">
              <p>Messages that consumers hold are not shown here.</p>
              <FirstPublish vhost={queue.vhost} queue={queue.name} exists />
            </Empty>
          )}
          {shown.map((message, i) => (
            <MessageView key={i} message={message} number={i + 1} onRepublish={setLike} />
          ))}
          {found.length > 0 && shown.length === 0 && <p style={{ padding: "14px" }}>None of these has that in it.</p>}
        </Card>
      )}
      {like && <Publish vhost={queue.vhost} exchange={like.exchange} like={like} onClose={() => setLike(undefined)} />}
    </>
  );
}

function sure(many: string): Promise<boolean> {
  return confirm({
    title: `Take up to ${plural(Number(many), "message")} out of the queue?`,
    text: "They are shown here once, and are in the queue no longer.",
    verb: "Take them",
  });
}
