// The objects of the HTTP API, as far as the console reads them. Members may be missing where a
// broker does not know them; everything is checked where it is used.

export interface Details {
  rate: number;
  samples?: { sample: number; timestamp: number }[];
}

export type Stats = Record<string, number | Details | undefined>;

export interface Page<T> {
  items: T[];
  page: number;
  page_count: number;
  filtered_count: number;
  total_count: number;
}

export interface Listener {
  protocol: string;
  ip_address: string;
  port: number;
}

export interface Overview {
  product_name?: string;
  product_version?: string;
  rabbitmq_version?: string;
  erlang_full_version?: string;
  cluster_name?: string;
  node?: string;
  default_queue_type?: string;
  exchange_types?: { name: string; description?: string }[];
  message_stats?: Stats;
  churn_rates?: Stats;
  queue_totals?: Stats;
  object_totals?: Record<string, number>;
  /** Seconds; null where nothing waits. */
  oldest_message_age?: number | null;
  blocked_connections?: number;
  listeners?: Listener[];
}

export interface NodeInfo {
  name: string;
  running?: boolean;
  uptime?: number;
  mem_used?: number;
  mem_limit?: number;
  mem_alarm?: boolean;
  disk_free?: number;
  disk_free_limit?: number;
  disk_free_alarm?: boolean;
  fd_used?: number;
  fd_total?: number;
  sockets_used?: number;
  sockets_total?: number;
  processors?: number;
  os_pid?: string;
  [more: string]: unknown;
}

export type Arguments = Record<string, unknown>;

export interface Queue {
  name: string;
  vhost: string;
  type: string;
  durable: boolean;
  auto_delete: boolean;
  exclusive: boolean;
  arguments: Arguments;
  state?: string;
  policy?: string | null;
  operator_policy?: string | null;
  effective_policy_definition?: Arguments;
  consumers?: number;
  consumer_capacity?: number;
  messages?: number;
  messages_ready?: number;
  messages_unacknowledged?: number;
  message_bytes?: number;
  message_stats?: Stats;
  idle_since?: string;
  consumer_details?: Consumer[];
  owner_pid_details?: { name: string };
  single_active_consumer_tag?: string | null;
  [more: string]: unknown;
}

export interface Exchange {
  name: string;
  vhost: string;
  type: string;
  durable: boolean;
  auto_delete: boolean;
  internal: boolean;
  arguments: Arguments;
  policy?: string | null;
  message_stats?: Stats;
  [more: string]: unknown;
}

export interface Binding {
  source: string;
  vhost: string;
  destination: string;
  destination_type: "queue" | "exchange";
  routing_key: string;
  arguments: Arguments;
  properties_key: string;
}

export interface Connection {
  name: string;
  user_provided_name?: string;
  vhost: string;
  user: string;
  state: string;
  protocol?: string;
  ssl?: boolean;
  channels?: number;
  connected_at?: number;
  peer_host?: string;
  peer_port?: number;
  client_properties?: Record<string, unknown>;
  recv_oct?: number;
  send_oct?: number;
  recv_oct_details?: Details;
  send_oct_details?: Details;
  timeout?: number;
  frame_max?: number;
  channel_max?: number;
  [more: string]: unknown;
}

export interface ChannelDetails {
  name: string;
  number: number;
  user: string;
  connection_name: string;
  peer_host?: string;
  peer_port?: number;
}

export interface Channel {
  name: string;
  number: number;
  vhost: string;
  user: string;
  state?: string;
  confirm?: boolean;
  transactional?: boolean;
  consumer_count?: number;
  prefetch_count?: number;
  global_prefetch_count?: number;
  messages_unacknowledged?: number;
  messages_unconfirmed?: number;
  messages_uncommitted?: number;
  message_stats?: Stats;
  connection_details?: { name: string; peer_host?: string; peer_port?: number };
  consumer_details?: Consumer[];
  idle_since?: string;
  [more: string]: unknown;
}

export interface Consumer {
  consumer_tag: string;
  queue: { name: string; vhost: string };
  channel_details: ChannelDetails;
  ack_required: boolean;
  exclusive: boolean;
  active?: boolean;
  activity_status?: string;
  prefetch_count: number;
  messages_unacknowledged?: number;
  arguments: Arguments;
  consumer_timeout?: number;
}

export interface Vhost {
  name: string;
  description?: string;
  tags?: string[];
  default_queue_type?: string;
  tracing?: boolean;
  protected_from_deletion?: boolean;
  cluster_state?: Record<string, string>;
  messages_ready?: number;
  messages_unacknowledged?: number;
  recv_oct_details?: Details;
  send_oct_details?: Details;
  message_stats?: Stats;
}

/** A counter of `message_stats` and the like; 0 where it has not begun. */
export function counter(stats: Stats | undefined, name: string): number {
  const value = stats?.[name];
  return typeof value === "number" ? value : 0;
}

/** The rate beside a counter; 0 where there is none. */
export function rateOf(stats: Stats | undefined, name: string): number {
  const value = stats?.[`${name}_details`];
  return typeof value === "object" ? value.rate : 0;
}
