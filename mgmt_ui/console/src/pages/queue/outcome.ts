// What a job has done, said; with the way back where there is one.
import { plural } from "../../lib/format";
import { doing, type Job, stays, undo } from "../../lib/jobs";
import { refresh } from "../../lib/live";
import { complain, say } from "../../ui/Toasts";

/** Says how a job ended, or that it goes on. */
export function tell(where: string, job: Job, onDone: () => void): void {
  if (job.state === "running") return say("It goes on; how far it got is shown above the messages.");
  const rest = stays(job).join(" ");
  if (job.state === "done") {
    const text = `${doing(job)}: ${plural(job.done, "message")}. ${rest}`.trim();
    say(text, job.undoable ? { label: "Undo", run: () => void takeBack(where, job, onDone) } : undefined);
  } else complain(new Error(`${doing(job)} ended after ${plural(job.done, "message")}: ${job.error ?? job.state}. ${rest}`.trim()));
}

/** Undoes it, and says so. */
export async function takeBack(where: string, job: Job, onDone: () => void): Promise<void> {
  try {
    const many = await undo(where, job);
    const lost = job.undoable - many;
    say(`${plural(many, "message")} put back at the end of the queue.${lost > 0 ? ` ${plural(lost, "message")} had gone on already.` : ""}`);
    onDone();
  } catch (error) {
    complain(error);
  }
  refresh();
}
