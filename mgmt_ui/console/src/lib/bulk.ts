// The same thing to many objects: a few at a time, told as it goes, failures gathered.
import { complain, say } from "../ui/Toasts";
import { plural } from "./format";
import { refresh } from "./live";

const AT_A_TIME = 6;

export async function runAll<T>(
  rows: T[],
  run: (row: T) => Promise<unknown>,
  noun: [string, string],
  done: string,
  progress: (text: string) => void,
): Promise<void> {
  const waiting = [...rows];
  const errors: Error[] = [];
  let finished = 0;
  const worker = async () => {
    for (let row = waiting.shift(); row !== undefined; row = waiting.shift()) {
      await run(row).catch((error: Error) => errors.push(error));
      finished += 1;
      progress(`${finished} of ${rows.length}…`);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
  const good = rows.length - errors.length;
  if (good) say(`${plural(good, ...noun)} ${done}`);
  const first = errors[0];
  if (first) complain(new Error(`${plural(errors.length, ...noun)} not ${done}: ${first.message}`));
  refresh();
}
