// One virtual host: what is said of it, its limits, who may enter.
import { type Limits, VHOST_LIMITS } from "../lib/admin";
import { path, post, remove } from "../lib/api";
import { answered, asked, askFor, useQuestion } from "../lib/asked";
import { chooseVhost } from "../lib/chosen";
import { count, rate } from "../lib/format";
import { refresh, useLive } from "../lib/live";
import { chosenVhost } from "../lib/prefs";
import { go, href } from "../lib/router";
import { isAdministrator } from "../lib/session";
import { rateOf, type Vhost as VhostObject } from "../lib/types";
import type { PageProps } from "../routes";
import { confirm, dismiss } from "../ui/Dialog";
import { Icon } from "../ui/Icon";
import { Badge, Card, Empty, Facts, Menu, Problem } from "../ui/parts";
import { complain, say } from "../ui/Toasts";
import { EditVhost } from "./forms/EditVhost";
import { LimitsCard } from "./parts/Limits";
import { Permissions, TopicPermissions } from "./parts/Permissions";
import { Tracing } from "./parts/Tracing";
import { StateOfVhost } from "./Vhosts";
import "../styles/admin.css";

/** One virtual host is for administrators; the others find theirs in the list. */
function useVhost(name: string) {
  const administrator = isAdministrator.value;
  const one = useLive<VhostObject>(administrator ? path("vhosts", name) : null);
  const all = useLive<VhostObject[]>(administrator ? null : "/vhosts");
  if (administrator) return { vhost: one.value, error: one.error, missing: one.error?.status === 404 };
  const vhost = all.value?.find((each) => each.name === name);
  return { vhost, error: all.error, missing: all.value !== undefined && !vhost };
}

export default function Vhost({ args }: PageProps) {
  const name = args.vhost ?? "";
  const { vhost, error, missing } = useVhost(name);
  const limits = useLive<Limits[]>(path("vhost-limits", name)).value?.[0]?.value ?? {};
  if (missing) {
    return (
      <Empty title={`There is no virtual host “${name}”`}>
        <a href={href(["vhosts"])}>To all virtual hosts</a>
      </Empty>
    );
  }
  if (error) return <Problem error={error} />;
  return (
    <div class="page">
      <div class="head">
        <nav class="crumbs" aria-label="Where this is">
          <a href={href(["vhosts"])}>Virtual hosts</a> <span aria-hidden="true">›</span>
        </nav>
        <h1>{name}</h1>
        {vhost && <StateOfVhost vhost={vhost} />}
        {vhost?.protected_from_deletion && <Badge tone="info">protected</Badge>}
        {vhost?.tracing && <Badge tone="warn">traced</Badge>}
        <span class="grow" />
        {chosenVhost.value !== name && (
          <button type="button" class="button" onClick={() => chooseVhost(name)}>
            <Icon name="eye" /> Show only this
          </button>
        )}
        {isAdministrator.value && vhost && (
          <>
            <button type="button" class="button" onClick={() => askFor("edit")}>
              <Icon name="policy" /> Change
            </button>
            <Actions vhost={vhost} />
          </>
        )}
      </div>
      <div class="cards">
        <Card title="Details">
          <Facts
            of={[
              ["Description", vhost?.description || "none"],
              ["Tags", vhost?.tags?.join(", ") || "none"],
              ["Default queue type", vhost?.default_queue_type ?? "classic"],
              ["Ready", count(vhost?.messages_ready ?? 0)],
              ["Unacknowledged", count(vhost?.messages_unacknowledged ?? 0)],
              ["In now", rate(rateOf(vhost?.message_stats, "publish"))],
              ["Out now", rate(rateOf(vhost?.message_stats, "deliver_get"))],
            ]}
          />
        </Card>
        <LimitsCard kind="vhost-limits" name={name} known={VHOST_LIMITS} value={limits} changeable={isAdministrator.value} />
        {isAdministrator.value && vhost && <Tracing vhost={vhost} />}
      </div>
      {isAdministrator.value && (
        <>
          <Permissions whose={{ vhost: name }} />
          <TopicPermissions whose={{ vhost: name }} />
        </>
      )}
      {asked() === "edit" && isAdministrator.value && vhost && <EditVhost given={vhost} onClose={answered} />}
    </div>
  );
}

function Actions({ vhost }: { vhost: VhostObject }) {
  const { name } = vhost;
  const down = Object.entries(vhost.cluster_state ?? {}).find(([, state]) => state !== "running");
  const start = async () => {
    try {
      await post(path("vhosts", name, "start", down?.[0] ?? ""));
      say(`${name} is up.`);
    } catch (error) {
      complain(error);
    }
    refresh();
  };
  const drop = async () => {
    const sure = await confirm({
      title: `Delete ${name}?`,
      text: "All queues in it with all messages, its exchanges, policies and permissions are gone for good.",
      verb: "Delete the virtual host",
      type: name,
    });
    if (!sure) return;
    try {
      await remove(path("vhosts", name));
      if (chosenVhost.value === name) chooseVhost("");
      say(`${name} is deleted.`);
      go(href(["vhosts"]));
    } catch (error) {
      complain(error);
    }
  };
  useQuestion("delete", !vhost.protected_from_deletion, drop, dismiss);
  return (
    <Menu kind="icon" title="More actions" label={<Icon name="more" />}>
      {down && (
        <button type="button" onClick={start}>
          <Icon name="play" /> Start it again
        </button>
      )}
      <button type="button" onClick={() => askFor("delete")} disabled={vhost.protected_from_deletion}>
        <Icon name="trash" /> {vhost.protected_from_deletion ? "Protected from deletion" : "Delete…"}
      </button>
    </Menu>
  );
}
