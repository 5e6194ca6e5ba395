// One channel.
import { path } from "../lib/api";
import { count } from "../lib/format";
import { useHistory } from "../lib/history";
import { useLive } from "../lib/live";
import { connectionHref } from "../lib/paths";
import { href } from "../lib/router";
import type { Channel } from "../lib/types";
import type { PageProps } from "../routes";
import { StateOf } from "../ui/cells";
import { Badge, Card, Empty, Facts, Problem, When } from "../ui/parts";
import { ConsumerTable } from "./parts/ConsumerTable";
import { RangeChoice, RateChart, type RateLine, useRange } from "./parts/RateCharts";

const groups = (channel: Channel) => [channel.message_stats];

const LINES: RateLine[] = [
  ["publish", "Published", 1, true],
  ["confirm", "Confirmed", 7],
  ["deliver_get", "Delivered", 2, true],
  ["ack", "Acknowledged", 3],
  ["redeliver", "Redelivered", 4],
  ["return_unroutable", "Returned", 5],
  ["drop_unroutable", "Dropped unroutable", 8],
];

export default function ChannelPage({ args }: PageProps) {
  const name = args.name ?? "";
  const where = path("channels", name);
  const { value: channel, error } = useLive<Channel>(where);
  const past = useHistory(where, useRange(), channel, groups);
  if (error?.status === 404) {
    return (
      <Empty title="This channel is closed">
        <p class="mono">{name}</p>
        <a href={href(["channels"])}>To all channels</a>
      </Empty>
    );
  }
  if (error) return <Problem error={error} />;
  const connection = channel?.connection_details?.name;
  return (
    <div class="page">
      <div class="head">
        <nav class="crumbs" aria-label="Where this is">
          <a href={href(["channels"])}>Channels</a> <span aria-hidden="true">›</span> {connection && <a href={connectionHref(connection)}>{connection}</a>}
        </nav>
        <h1>Channel {channel?.number}</h1>
        {channel && <StateOf state={channel.state} />}
        {channel?.confirm && <Badge>confirms</Badge>}
        {channel?.transactional && <Badge>transactions</Badge>}
        <span class="grow" />
        <RangeChoice />
      </div>
      <div class="cards">
        <RateChart title="Rates" past={past} lines={LINES} />
        <Card title="Details">
          {channel && (
            <Facts
              of={[
                ["Connection", connection ? <a href={connectionHref(connection)}>{connection}</a> : "–"],
                ["Virtual host", channel.vhost],
                ["User", channel.user],
                ["Prefetch of a consumer", channel.prefetch_count ? count(channel.prefetch_count) : "no limit"],
                ["Prefetch of the channel", channel.global_prefetch_count ? count(channel.global_prefetch_count) : "no limit"],
                ["Unacknowledged", count(channel.messages_unacknowledged)],
                ["Unconfirmed", count(channel.messages_unconfirmed)],
                ["Uncommitted", count(channel.messages_uncommitted)],
                ["Idle since", channel.idle_since ? <When time={channel.idle_since} /> : "in use"],
              ]}
            />
          )}
        </Card>
      </div>
      <ConsumerTable rows={channel?.consumer_details} of="channel" />
    </div>
  );
}
