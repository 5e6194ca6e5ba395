// Every page once: its address, where it stands in the side bar, who may see it, what it is.
// Adding a page is adding a row; its code is loaded when it is first opened.
import type { ComponentType } from "preact";
import type { Tag } from "./lib/session";
import type { IconName } from "./ui/Icon";

export interface PageProps {
  /** The segments that the pattern names with a colon. */
  args: Record<string, string>;
}

type Loaded = { default: ComponentType<PageProps> };

export interface PageRoute {
  pattern: string;
  title: string;
  load: () => Promise<Loaded>;
  tag?: Tag;
  /** Its entry in the side bar; pages without one are reached from others. */
  nav?: { section: string; icon: IconName; tally?: string };
}

export const ROUTES: PageRoute[] = [
  {
    pattern: "",
    title: "Overview",
    load: () => import("./pages/Overview"),
    nav: { section: "", icon: "overview" },
  },
  {
    pattern: "queues",
    title: "Queues",
    load: () => import("./pages/Queues"),
    nav: { section: "Messages", icon: "queue", tally: "queues" },
  },
  { pattern: "queues/:vhost/:name", title: "Queue", load: () => import("./pages/Queue") },
  {
    pattern: "exchanges",
    title: "Exchanges",
    load: () => import("./pages/Exchanges"),
    nav: { section: "Messages", icon: "exchange", tally: "exchanges" },
  },
  { pattern: "exchanges/:vhost/:name", title: "Exchange", load: () => import("./pages/Exchange") },
  {
    pattern: "topology",
    title: "Topology",
    load: () => import("./pages/Topology"),
    nav: { section: "Messages", icon: "topology" },
  },
  {
    pattern: "connections",
    title: "Connections",
    load: () => import("./pages/Connections"),
    nav: { section: "Clients", icon: "connection", tally: "connections" },
  },
  { pattern: "connections/:name", title: "Connection", load: () => import("./pages/Connection") },
  {
    pattern: "channels",
    title: "Channels",
    load: () => import("./pages/Channels"),
    nav: { section: "Clients", icon: "channel", tally: "channels" },
  },
  { pattern: "channels/:name", title: "Channel", load: () => import("./pages/Channel") },
  {
    pattern: "consumers",
    title: "Consumers",
    load: () => import("./pages/Consumers"),
    nav: { section: "Clients", icon: "consumer", tally: "consumers" },
  },
  {
    pattern: "vhosts",
    title: "Virtual hosts",
    load: () => import("./pages/Vhosts"),
    nav: { section: "Admin", icon: "database" },
  },
  { pattern: "vhosts/:vhost", title: "Virtual host", load: () => import("./pages/Vhost") },
  {
    pattern: "users",
    title: "Users",
    tag: "administrator",
    load: () => import("./pages/Users"),
    nav: { section: "Admin", icon: "user" },
  },
  { pattern: "users/:name", title: "User", tag: "administrator", load: () => import("./pages/User") },
  {
    pattern: "policies",
    title: "Policies",
    load: () => import("./pages/Policies"),
    nav: { section: "Admin", icon: "policy" },
  },
  {
    pattern: "parameters",
    title: "Parameters",
    tag: "policymaker",
    load: () => import("./pages/Parameters"),
    nav: { section: "Admin", icon: "admin" },
  },
  {
    pattern: "limits",
    title: "Limits",
    load: () => import("./pages/Limits"),
    nav: { section: "Admin", icon: "limit" },
  },
  {
    pattern: "settings",
    title: "Settings",
    tag: "administrator",
    load: () => import("./pages/Settings"),
    nav: { section: "Admin", icon: "settings" },
  },
  { pattern: "nodes/:name", title: "Node", tag: "monitoring", load: () => import("./pages/Node") },
  {
    pattern: "definitions",
    title: "Definitions",
    tag: "administrator",
    load: () => import("./pages/Definitions"),
    nav: { section: "Admin", icon: "download" },
  },
];

/** The page for a place, with what its pattern names; undefined where there is none. */
export function match(parts: string[]): { route: PageRoute; args: Record<string, string> } | undefined {
  for (const route of ROUTES) {
    const pattern = route.pattern.split("/").filter(Boolean);
    if (pattern.length !== parts.length) continue;
    const args: Record<string, string> = {};
    const fits = pattern.every((each, i) => {
      const part = parts[i] ?? "";
      if (each.startsWith(":")) args[each.slice(1)] = part;
      return each.startsWith(":") || each === part;
    });
    if (fits) return { route, args };
  }
  return undefined;
}
