// The HTTP API: requests with the session's token, and errors that say what happened.
import { parseJson, toJson } from "./json";
import { enter, leave, session } from "./session";

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    reason: string,
  ) {
    super(reason);
  }
}

/** The address of an API path, relative to where the console is, whatever the prefix. */
export function address(path: string): string {
  return `api${path}`;
}

/** A path of encoded segments: `path("queues", "/", "a b")` is `/queues/%2F/a%20b`. */
export function path(...segments: string[]): string {
  return segments.map((each) => `/${encodeURIComponent(each)}`).join("");
}

export function headers(authorization = session.value?.authorization): Record<string, string> {
  const shared = { accept: "application/json", "x-requested-with": "leveret-console" };
  return authorization ? { ...shared, authorization } : shared;
}

interface Options {
  method?: string;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** The JSON of an answer (undefined for an empty one); throws ApiError. */
export async function request<T>(where: string, options: Options = {}): Promise<T> {
  const response = await send(where, options);
  const text = await response.text();
  if (!response.ok) throw refusal(response, text);
  return text ? parseJson<T>(text) : (undefined as T);
}

async function send(where: string, options: Options): Promise<Response> {
  const init: RequestInit = {
    method: options.method ?? "GET",
    headers: { ...headers(), ...options.headers },
    credentials: "omit",
    cache: "no-store",
  };
  if (options.signal) init.signal = options.signal;
  if (options.body !== undefined) {
    init.body = toJson(options.body);
    init.headers = { ...(init.headers as object), "content-type": "application/json" };
  }
  try {
    return await fetch(address(where), init);
  } catch (error) {
    if ((error as Error).name === "AbortError") throw error;
    throw new ApiError(0, "unreachable", "The broker does not answer. Is it running?");
  }
}

function refusal(response: Response, text: string): ApiError {
  const { error, reason } = parsed(text);
  // Without a body, or with this spelling, it is the sign-in itself that does not hold.
  if (response.status === 401 && (error === "" || error === "not_authorized") && session.value) {
    leave("Your session has ended. Sign in again to go on where you were.", true);
  }
  const told = reason && !BARE.test(reason) ? reason : said(response.status);
  return new ApiError(response.status, error, told);
}

// Reasons that say no more than their status does.
const BARE = /^(access refused|not found|method not allowed)\.?$/i;

function parsed(text: string): { error: string; reason: string } {
  try {
    const value = JSON.parse(text) as { error?: string; reason?: unknown };
    const reason = typeof value.reason === "string" ? value.reason : JSON.stringify(value.reason ?? "");
    return { error: value.error ?? "", reason };
  } catch {
    return { error: "", reason: "" };
  }
}

function said(status: number): string {
  const known: Record<number, string> = {
    401: "You have no permission for this. Somebody with the tag administrator can grant it: Users, permissions.",
    404: "It is not there (any more).",
    405: "This broker does not offer that yet.",
    500: "The broker failed to answer; its log says why.",
    503: "The broker cannot do this at the moment.",
  };
  return known[status] ?? `The broker answered ${status}.`;
}

export const get = <T>(where: string, signal?: AbortSignal) =>
  request<T>(where, signal ? { signal } : {});
export const put = <T = void>(where: string, body?: unknown) => request<T>(where, { method: "PUT", body });
export const post = <T = void>(where: string, body?: unknown, signal?: AbortSignal) =>
  request<T>(where, { method: "POST", body, ...(signal ? { signal } : {}) });
export const remove = <T = void>(where: string, extra: Record<string, string> = {}) =>
  request<T>(where, { method: "DELETE", headers: extra });

interface Login {
  token: { type: string; value: string };
  user: { name: string; tags: string[] };
}

/** Signs in, or throws ApiError with the broker's reason. */
export async function signIn(user: string, password: string): Promise<void> {
  let response: Response;
  try {
    response = await fetch(address("/login"), {
      method: "POST",
      headers: headers(""),
      body: new URLSearchParams({ username: user, password }),
      credentials: "omit",
    });
  } catch {
    throw new ApiError(0, "unreachable", "The broker does not answer. Is it running?");
  }
  const text = await response.text();
  if (!response.ok) throw refusal(response, text);
  const { token, user: who } = JSON.parse(text) as Login;
  const scheme = token.type === "bearer" ? "Bearer" : "Basic";
  const authorization = `${scheme} ${token.value}`;
  enter({ user: who.name, tags: who.tags, authorization });
}

/** Signs out; the token is worth nothing afterwards, even if the broker cannot be reached now. */
export async function signOut(): Promise<void> {
  const gone = headers();
  leave("", true);
  await fetch(address("/login"), { method: "DELETE", headers: gone, credentials: "omit" }).catch(() => {});
}
