// Who is signed in. The token is kept in this tab only (it survives a reload); a new tab asks the
// others. A password is never kept: it goes to POST /api/login and nowhere else.
import { computed, signal } from "@preact/signals";

export interface Session {
  user: string;
  tags: string[];
  /** The value of the authorization header. */
  authorization: string;
}

const KEY = "leveret.session";
// For how long the page waits for the others, and for how long it takes an answer.
const ASK_MS = 80;
const LATE_MS = 5000;

export const session = signal<Session | null>(null);
/** Why the sign-in page is shown again. */
export const farewell = signal("");

const RANK: Record<string, string[]> = {
  management: ["management", "policymaker", "monitoring", "administrator"],
  policymaker: ["policymaker", "administrator"],
  monitoring: ["monitoring", "administrator"],
  administrator: ["administrator"],
};

export type Tag = "management" | "policymaker" | "monitoring" | "administrator";

/** Whether one of the user's tags is this one or implies it. */
export function may(tag: Tag): boolean {
  const tags = session.value?.tags ?? [];
  return tags.some((each) => RANK[tag]?.includes(each));
}

export const isAdministrator = computed(() => may("administrator"));

const channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(KEY);

/** Takes up the session of before a reload, or that of another tab. */
export async function resume(): Promise<void> {
  session.value = stored() ?? (await askOthers());
  if (session.value) store(session.value);
}

export function enter(next: Session): void {
  farewell.value = "";
  session.value = next;
  store(next);
}

/** Ends the session here; with `everywhere` in the other tabs, too. */
export function leave(reason = "", everywhere = false): void {
  session.value = null;
  farewell.value = reason;
  sessionStorage.removeItem(KEY);
  if (everywhere) channel?.postMessage({ kind: "leave", reason });
}

function stored(): Session | null {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? "null") as Session | null;
  } catch {
    return null;
  }
}

function store(value: Session): void {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(value));
  } catch {
    // Then a reload asks for the password again.
  }
}

function askOthers(): Promise<Session | null> {
  if (!channel) return Promise.resolve(null);
  return new Promise((resolve) => {
    const hear = ({ data }: MessageEvent) => {
      if (data?.kind !== "session") return;
      channel.removeEventListener("message", hear);
      resolve(data.session as Session);
      // A busy tab may answer late, when the sign-in page is there already.
      if (!session.value) enter(data.session as Session);
    };
    channel.addEventListener("message", hear);
    setTimeout(() => resolve(null), ASK_MS);
    setTimeout(() => channel.removeEventListener("message", hear), LATE_MS);
    channel.postMessage({ kind: "ask" });
  });
}

channel?.addEventListener("message", ({ data }) => {
  if (data?.kind === "ask" && session.value) {
    channel.postMessage({ kind: "session", session: session.value });
  } else if (data?.kind === "leave" && session.value) {
    leave(String(data.reason ?? ""));
  }
});
