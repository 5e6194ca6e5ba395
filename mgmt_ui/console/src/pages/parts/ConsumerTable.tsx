// The consumers of one queue or one channel, with the room that each has.
import { count, span } from "../../lib/format";
import { toJson } from "../../lib/json";
import { channelHref, queueHref } from "../../lib/paths";
import type { Consumer } from "../../lib/types";
import { StateOf } from "../../ui/cells";
import { Badge, Card, Meter } from "../../ui/parts";
import { StackedTable } from "../../ui/StackedTable";

const WORDS: Record<string, string> = { up: "up", single_active: "active", waiting: "waiting", suspected_down: "down" };

export function ConsumerTable({ rows, of }: { rows: Consumer[] | undefined; of: "queue" | "channel" }) {
  return (
    <Card
      flush
      title={
        <>
          Consumers {rows && rows.length > 0 && <span class="faint">{rows.length}</span>}
        </>
      }
    >
      {!rows?.length ? (
        <p class="soft" style={{ padding: "14px" }}>
          {of === "queue" ? "Nobody consumes: messages wait until somebody does." : "This channel does not consume."}
        </p>
      ) : (
        <StackedTable
          label="Consumers"
          parts={[
            { title: "Consumer tag" },
            { title: of === "queue" ? "Channel" : "Queue" },
            { title: "State" },
            { title: "Acknowledges" },
            { title: "Prefetch", num: true },
            { title: "Unacknowledged", num: true },
            { title: "Room" },
            { title: "Timeout", num: true },
            { title: "Arguments" },
          ]}
          rows={rows.map((each) => ({ key: `${each.channel_details.name} ${each.consumer_tag}`, cells: cellsOf(each, of) }))}
        />
      )}
    </Card>
  );
}

function cellsOf(each: Consumer, of: "queue" | "channel") {
  return [
    <span key="tag">
      <b>{each.consumer_tag}</b> {each.exclusive && <Badge>exclusive</Badge>}
    </span>,
    of === "queue" ? (
      <a key="channel" href={channelHref(each.channel_details.name)}>
        {each.channel_details.name}
      </a>
    ) : (
      <a key="queue" href={queueHref(each.queue)}>
        {each.queue.name}
      </a>
    ),
    <StateOf key="state" state={WORDS[each.activity_status ?? "up"] ?? each.activity_status} />,
    each.ack_required ? "itself" : <Badge tone="warn">automatic</Badge>,
    each.prefetch_count || "no limit",
    each.ack_required ? count(each.messages_unacknowledged) : "–",
    <Room key="room" of={each} />,
    each.consumer_timeout ? span(each.consumer_timeout) : "–",
    Object.keys(each.arguments ?? {}).length > 0 ? <code key="arguments">{toJson(each.arguments)}</code> : null,
  ];
}

/** How many more it may get before it has to acknowledge. */
function Room({ of }: { of: Consumer }) {
  const { prefetch_count: most, messages_unacknowledged: held = 0, ack_required: acks } = of;
  if (!acks) return <span class="faint">takes all</span>;
  if (!most) return <span title="Without a prefetch one slow consumer may take the whole queue into its memory">unlimited</span>;
  const left = Math.max(0, most - held);
  return (
    <span class="room" title={left ? `It may get ${count(left)} more before it has to acknowledge` : "It is full: nothing comes until it acknowledges"}>
      <span class="num">{left ? `${count(left)} more` : "full"}</span>
      <Meter share={held / most} warnAt={0.999} badAt={2} />
    </span>
  );
}
