// API paths of lists and objects, and the addresses of their pages.
import { path } from "./api";
import { chosenVhost } from "./prefs";
import { href } from "./router";

export const DEFAULT_EXCHANGE = "amq.default";

/** A list that the API offers for one virtual host as `/queues/:vhost`. */
export function listOf(kind: "queues" | "exchanges" | "consumers"): string {
  return chosenVhost.value ? path(kind, chosenVhost.value) : `/${kind}`;
}

/** Connections and channels of one virtual host are below it. */
export function clientsOf(kind: "connections" | "channels"): string {
  return chosenVhost.value ? `${path("vhosts", chosenVhost.value)}/${kind}` : `/${kind}`;
}

interface Named {
  vhost: string;
  name: string;
}

export const queuePath = ({ vhost, name }: Named) => path("queues", vhost, name);
export const queueHref = ({ vhost, name }: Named, query: Record<string, string> = {}) =>
  href(["queues", vhost, name], query);
export const exchangePath = ({ vhost, name }: Named) => path("exchanges", vhost, name || DEFAULT_EXCHANGE);
export const exchangeHref = ({ vhost, name }: Named) => href(["exchanges", vhost, name || DEFAULT_EXCHANGE]);
export const connectionHref = (name: string) => href(["connections", name]);
export const channelHref = (name: string) => href(["channels", name]);

/** Where an object stands in the picture of all (its id there: lib/graph.ts). */
export const topologyHref = (kind: "queue" | "exchange", { vhost, name }: Named) =>
  href(["topology"], { at: `${kind} ${vhost} ${name}` });

/** A new object has to be made somewhere: the chosen virtual host, else the usual one. */
export function vhostForNew(): string {
  return chosenVhost.value || "/";
}
