// Work on this queue that the broker does or has done lately: how far it is, held, gone on with, undone.
import { useEffect, useRef } from "preact/hooks";
import { doing, goOn, hold, type Job, progress, share, stays } from "../../lib/jobs";
import { refresh, useLive } from "../../lib/live";
import { queuePath } from "../../lib/paths";
import { session } from "../../lib/session";
import type { Queue } from "../../lib/types";
import { Icon } from "../../ui/Icon";
import { Ago, Badge, IconButton, Meter, type Tone } from "../../ui/parts";
import { complain } from "../../ui/Toasts";
import { takeBack } from "./outcome";

const TONES: Record<Job["state"], Tone> = { running: "accent", done: "good", cancelled: "warn", stopped: "bad", failed: "bad" };
const STATES: Record<Job["state"], string> = { running: "running", done: "done", cancelled: "paused", stopped: "stopped", failed: "failed" };

export function Jobs({ queue, onDone }: { queue: Queue; onDone: () => void }) {
  const { value } = useLive<Job[]>("/jobs");
  const mine = (value ?? []).filter((job) => !job.dry_run && job.queue === queue.name && job.vhost === queue.vhost);
  // What ended well and cannot be undone is no news.
  const shown = mine.filter(({ state, undoable, error }) => state !== "done" || undoable > 0 || error).slice(-4);
  const running = mine.filter(({ state }) => state === "running").length;
  const before = useRef(running);
  useEffect(() => {
    if (running < before.current) onDone();
    before.current = running;
  }, [running]);
  if (!shown.length) return null;
  return (
    <section class="card jobs" aria-label="Work on these messages">
      {shown.map((job) => (
        <Line key={job.id} job={job} where={queuePath(queue)} onDone={onDone} />
      ))}
    </section>
  );
}

function Line({ job, where, onDone }: { job: Job; where: string; onDone: () => void }) {
  const act = (done: Promise<unknown>) => void done.catch(complain).finally(refresh);
  const { state } = job;
  const mine = job.user === session.value?.user || session.value?.tags.includes("administrator");
  const rest = stays(job);
  return (
    <div class="job">
      <div class="row">
        <Badge tone={TONES[state]}>{STATES[state]}</Badge>
        <b>{doing(job)}</b>
        <span class="soft num" role="status">
          {progress(job)}
        </span>
        <span class="grow" />
        {job.ended_at !== null && (
          <span class="faint">
            <Ago time={job.ended_at} />
          </span>
        )}
        {mine && state === "running" && (
          <button type="button" class="button small" onClick={() => act(hold(job))}>
            <Icon name="pause" /> Pause
          </button>
        )}
        {mine && (state === "cancelled" || state === "stopped") && (
          <button type="button" class="button small" onClick={() => act(goOn(job))}>
            <Icon name="play" /> Go on
          </button>
        )}
        {mine && state !== "running" && job.undoable > 0 && (
          <button type="button" class="button small" onClick={() => void takeBack(where, job, onDone)}>
            <Icon name="undo" /> Undo
          </button>
        )}
        {mine && state !== "running" && <IconButton icon="close" label="Forget this job" onClick={() => act(hold(job))} />}
      </div>
      {state !== "done" && <Meter share={share(job)} warnAt={2} badAt={2} />}
      {(job.error || rest.length > 0) && <p class="soft">{[job.error, ...rest].filter(Boolean).join(" ")}</p>}
    </div>
  );
}
