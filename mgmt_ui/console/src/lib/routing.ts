// What POST /exchanges/:vhost/:name/route answers, and how it is said.
import { plural } from "./format";
import { toJson } from "./json";
import type { Arguments } from "./types";

export interface Destination {
  destination: string;
  destination_type: "queue" | "exchange";
  /** Those by which it goes there; null where the type of the exchange cannot tell. */
  bindings: { routing_key: string; arguments: Arguments }[] | null;
}

export interface Step {
  exchange: string;
  type: string;
  /** No binding took it, and it goes on to the alternate exchange. */
  alternate: boolean;
  destinations: Destination[];
}

export interface Routing {
  routed: boolean;
  /** Milliseconds. */
  delay: number;
  queues: { name: string; type: string; durable: boolean; paused: boolean; full: boolean }[];
  path: Step[];
}

/** The answer in one sentence. */
export function storyOf({ queues, path }: Routing): string {
  if (queues.length === 0) {
    return "To no queue: the message is dropped, or returned to who publishes it as mandatory.";
  }
  const alternate = path.find((step) => step.alternate)?.destinations[0];
  const by = alternate ? ` by the alternate exchange ${alternate.destination}` : "";
  return `To ${plural(queues.length, "queue")}${by}.`;
}

/** Why a message takes this way. */
export function wayOf(step: Step, { bindings }: Destination): string {
  if (step.alternate) return "as the alternate: nothing else wanted it";
  if (bindings === null) return step.exchange === "" ? "by its name" : "as the exchange chooses";
  return bindings
    .map(({ routing_key: key, arguments: given }) => {
      const terms = Object.keys(given).length > 0 ? ` ${toJson(given)}` : "";
      return key || !terms ? `by “${key}”${terms}` : `by${terms}`;
    })
    .join(", ");
}
