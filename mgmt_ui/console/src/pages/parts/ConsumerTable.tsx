// The consumers of one queue or one channel, with the room that each has.
import { count, span } from "../../lib/format";
import { channelHref, queueHref } from "../../lib/paths";
import type { Consumer } from "../../lib/types";
import { StateOf } from "../../ui/cells";
import { Badge, Card, Meter } from "../../ui/parts";

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
        <div class="plain">
          <table class="table">
            <thead>
              <tr>
                <th scope="col">Consumer tag</th>
                <th scope="col">{of === "queue" ? "Channel" : "Queue"}</th>
                <th scope="col">State</th>
                <th scope="col">Acknowledges</th>
                <th scope="col" class="num">
                  Prefetch
                </th>
                <th scope="col" class="num">
                  Unacknowledged
                </th>
                <th scope="col">Room</th>
                <th scope="col" class="num">
                  Timeout
                </th>
                <th scope="col">Arguments</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((each) => (
                <tr key={`${each.channel_details.name} ${each.consumer_tag}`}>
                  <td>
                    <b>{each.consumer_tag}</b> {each.exclusive && <Badge>exclusive</Badge>}
                  </td>
                  <td>
                    {of === "queue" ? (
                      <a href={channelHref(each.channel_details.name)}>{each.channel_details.name}</a>
                    ) : (
                      <a href={queueHref(each.queue)}>{each.queue.name}</a>
                    )}
                  </td>
                  <td>
                    <StateOf state={WORDS[each.activity_status ?? "up"] ?? each.activity_status} />
                  </td>
                  <td>{each.ack_required ? "itself" : <Badge tone="warn">automatic</Badge>}</td>
                  <td class="num">{each.prefetch_count || "no limit"}</td>
                  <td class="num">{each.ack_required ? count(each.messages_unacknowledged) : "–"}</td>
                  <td>
                    <Room of={each} />
                  </td>
                  <td class="num">{each.consumer_timeout ? span(each.consumer_timeout) : "–"}</td>
                  <td>
                    <code>{Object.keys(each.arguments ?? {}).length > 0 ? JSON.stringify(each.arguments) : ""}</code>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Card>
  );
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
