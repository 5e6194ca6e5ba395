// Users, permissions and limits as the API has them, and what their parts mean in words.

export interface User {
  name: string;
  tags: string[];
  limits: Record<string, number>;
  password_hash?: string;
}

export interface Permission {
  user: string;
  vhost: string;
  configure: string;
  write: string;
  read: string;
}

export interface TopicPermission {
  user: string;
  vhost: string;
  exchange: string;
  write: string;
  read: string;
}

export interface Limits {
  vhost?: string;
  user?: string;
  value: Record<string, number>;
}

export const TAGS: [string, string][] = [
  ["administrator", "everything: users, virtual hosts, settings"],
  ["monitoring", "sees all connections, channels and nodes"],
  ["policymaker", "makes policies and parameters"],
  ["management", "uses this console, for what is theirs"],
  ["impersonator", "may publish under another user's name"],
];

export const VHOST_LIMITS: [string, string][] = [
  ["max-connections", "Connections at most"],
  ["max-queues", "Queues at most"],
  ["max-stored-bytes", "Octets of messages at most"],
  ["max-publish-rate", "Messages published a second at most"],
];

export const USER_LIMITS: [string, string][] = [
  ["max-connections", "Connections at most"],
  ["max-channels", "Channels at most"],
];

/** What a pattern of a permission allows. */
export function allowed(pattern: string): string {
  if (pattern === "" || pattern === "^$") return "nothing";
  return pattern === ".*" ? "everything" : `names that fit ${pattern}`;
}
