// What can be done with the messages that are picked, or with all that fit.
import type { Signal } from "@preact/signals";
import { answered, asked, askFor } from "../../lib/asked";
import { plural } from "../../lib/format";
import { toJson } from "../../lib/json";
import { portable } from "../../lib/messages";
import { fetchAll } from "../../lib/browse";
import { queuePath } from "../../lib/paths";
import { type Filter, inWords, parseQuery } from "../../lib/query";
import { useMay } from "../../lib/rights";
import { place } from "../../lib/router";
import { saveAs } from "../../lib/save";
import type { Queue } from "../../lib/types";
import { Icon } from "../../ui/Icon";
import { IconButton, Menu } from "../../ui/parts";
import { complain } from "../../ui/Toasts";
import { GetDialog } from "./Taken";
import { type Asked, WorkDialog } from "./WorkDialog";

const KINDS = ["move", "requeue", "redrive", "delete"] as const;
// What they are called in the address; deleting is a work on the queue, too.
const NAMES: Record<Asked["kind"], string> = { move: "move", requeue: "requeue", redrive: "redrive", delete: "delete-messages" };

interface Props {
  queue: Queue;
  /** Positions. */
  picked: number[];
  filter: Filter;
  searching: boolean;
  onDone: () => void;
  again: () => void;
  follow: Signal<boolean>;
}

export function Toolbar({ queue, picked, filter, searching, onDone, again, follow }: Props) {
  const may = useMay();
  const writable = may("write", queue.vhost, queue.name);
  const stream = queue.type === "stream";
  const scope: Omit<Asked, "kind"> = picked.length
    ? { picked }
    : { filter, words: inWords(parseQuery(place.value.query.find ?? "")) };
  const begin = (kind: Asked["kind"]) => () => askFor(NAMES[kind]);
  const kind = KINDS.find((each) => NAMES[each] === asked());
  const save = async () => {
    try {
      const wanted: Filter = picked.length ? { positions: picked } : filter;
      const found = await fetchAll(queuePath(queue), wanted, 1000);
      saveAs(`${queue.name}.messages.json`, toJson(found.map(portable), 1));
    } catch (error) {
      complain(error);
    }
  };
  const what = picked.length ? plural(picked.length, "picked") : searching ? "All that fit" : "All messages";
  const label = picked.length ? `${picked.length} picked` : what;
  return (
    <>
      {!stream && picked.length > 0 && (
        <>
          {writable && (
            <button type="button" class="button small wide-only" onClick={begin("requeue")}>
              <Icon name="refresh" /> Requeue…
            </button>
          )}
          <button type="button" class="button small wide-only" onClick={begin("move")}>
            <Icon name="move" /> Move…
          </button>
          <button type="button" class="button small danger" aria-label="Delete…" onClick={begin("delete")}>
            <Icon name="trash" /> <span class="wide-only">Delete…</span>
          </button>
        </>
      )}
      <Menu kind="small" title={`What to do with: ${label}`} label={<>{label} <Icon name="more" /></>}>
        {!stream && (
          <>
            <button type="button" onClick={begin("move")}>
              <Icon name="move" /> Move…
            </button>
            {writable && (
              <button type="button" onClick={begin("requeue")}>
                <Icon name="refresh" /> To the end of the queue…
              </button>
            )}
            <button type="button" onClick={begin("redrive")}>
              <Icon name="undo" /> Send dead letters back…
            </button>
            <button type="button" onClick={begin("delete")}>
              <Icon name="trash" /> Delete…
            </button>
            <hr />
          </>
        )}
        <button type="button" onClick={save}>
          <Icon name="download" /> Save up to 1,000 as JSON
        </button>
        {!stream && (
          <button type="button" onClick={() => askFor("get")}>
            <Icon name="out" /> Get as a consumer would…
          </button>
        )}
      </Menu>
      {!searching && !picked.length && (
        <button
          type="button"
          class="button small"
          aria-pressed={follow.value}
          aria-label="Live"
          title={follow.value ? "Messages show as they come and go; press to hold the list" : "The list is held; press to let it go along"}
          onClick={() => (follow.value = !follow.value)}
        >
          <span class={`dot ${follow.value ? "good" : ""}`} /> <span class="wide-only">{follow.value ? "Live" : "Held"}</span>
        </button>
      )}
      <IconButton icon="refresh" label="Look again" onClick={again} />
      {kind && !stream && <WorkDialog key={kind} queue={queue} asked={{ kind, ...scope }} onClose={answered} onDone={onDone} />}
      {asked() === "get" && !stream && <GetDialog queue={queue} onClose={answered} onDone={onDone} />}
    </>
  );
}
