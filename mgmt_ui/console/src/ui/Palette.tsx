// Find anything: pages, queues, exchanges, connections and what can be done, from the keyboard.
import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { get, path, signOut } from "../lib/api";
import type { Policy } from "../lib/policies";
import { chooseVhost } from "../lib/chosen";
import { theme } from "../lib/prefs";
import { useMayMake } from "../lib/rights";
import { go, href } from "../lib/router";
import { may, type Tag } from "../lib/session";
import type { Connection, Page, Queue, Vhost } from "../lib/types";
import { ROUTES } from "../routes";
import { Icon, type IconName } from "./Icon";

const open = signal(false);
const SEARCH_MS = 120;
const EACH = 6;

export function openPalette(): void {
  open.value = true;
}

interface Found {
  id: string;
  text: string;
  kind: string;
  icon: IconName;
  run: () => void;
}

export function Palette() {
  return open.value ? <Opened /> : null;
}

function Opened() {
  const element = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState("");
  const [objects, setObjects] = useState<Found[]>([]);
  const [at, setAt] = useState(0);
  const mayMake = useMayMake("");
  useEffect(() => element.current?.showModal(), []);
  useEffect(() => {
    const stop = new AbortController();
    const timer = setTimeout(() => {
      if (text.trim()) search(text.trim(), stop.signal).then(setObjects, () => {});
      else setObjects([]);
    }, SEARCH_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [text]);

  const found = [...commands(mayMake).filter((each) => fits(each.text, text)), ...objects]
    .sort((one, other) => rank(one.text, text) - rank(other.text, text))
    .slice(0, 40);
  const index = Math.min(at, found.length - 1);
  const close = () => (open.value = false);
  const run = (chosen: Found | undefined) => {
    close();
    chosen?.run();
  };
  const pressed = (event: KeyboardEvent) => {
    const by = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (by && found.length) setAt((index + by + found.length) % found.length);
    else if (event.key === "Enter") run(found[index]);
    else return;
    event.preventDefault();
  };
  return (
    <dialog
      ref={element}
      class="palette"
      aria-label="Find anything"
      onCancel={close}
      onClose={close}
      onMouseDown={(event) => event.target === element.current && close()}
    >
      <input
        role="combobox"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={found[index] ? `palette-${index}` : undefined}
        aria-label="Find a page, a queue, an exchange, a connection, a user, a policy, or something to do"
        placeholder="Find a page, a queue, an exchange, a connection…"
        autofocus
        autocomplete="off"
        spellcheck={false}
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={pressed}
      />
      <ul id="palette-list" role="listbox" aria-label="Found">
        {found.map((each, i) => (
          <li
            key={each.id}
            id={`palette-${i}`}
            role="option"
            aria-selected={i === index}
            onClick={() => run(each)}
            onMouseMove={() => setAt(i)}
          >
            <Icon name={each.icon} /> <span class="cut">{each.text}</span> <span class="kind">{each.kind}</span>
          </li>
        ))}
        {found.length === 0 && <li class="soft">Nothing is called that.</li>}
      </ul>
      <footer>
        <span>
          <kbd>↑</kbd> <kbd>↓</kbd> choose
        </span>
        <span>
          <kbd>Enter</kbd> open
        </span>
        <span>
          <kbd>Esc</kbd> close
        </span>
      </footer>
    </dialog>
  );
}

function fits(text: string, wanted: string): boolean {
  const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  return words.every((word) => text.toLowerCase().includes(word));
}

/** What begins with the text comes before what only has it in it. */
function rank(text: string, wanted: string): number {
  const [has, want] = [text.toLowerCase(), wanted.trim().toLowerCase()];
  return has === want ? 0 : has.startsWith(want) ? 1 : 2;
}

function commands(mayMake: boolean): Found[] {
  const pages = ROUTES.filter(({ nav, tag }) => nav && may(tag ?? "management")).map((route) => ({
    id: `page ${route.pattern}`,
    text: route.title,
    kind: "Page",
    icon: route.nav?.icon ?? ("overview" as IconName),
    run: () => go(href(route.pattern ? route.pattern.split("/") : [])),
  }));
  const actions: Found[] = [
    ...ADDITIONS.filter(({ tag }) => (tag === "configure" ? mayMake : may(tag))).map(({ page, text }) => ({
      id: `add ${page}`,
      text,
      kind: "Action",
      icon: "plus" as const,
      run: () => go(href([page], { add: "1" })),
    })),
    { id: "light", text: "Light colours", kind: "Action", icon: "sun", run: () => (theme.value = "light") },
    { id: "dark", text: "Dark colours", kind: "Action", icon: "moon", run: () => (theme.value = "dark") },
    { id: "system", text: "Colours as the system", kind: "Action", icon: "system", run: () => (theme.value = "system") },
    { id: "all", text: "All virtual hosts", kind: "Action", icon: "database", run: () => chooseVhost("") },
    { id: "out", text: "Sign out", kind: "Action", icon: "out", run: () => void signOut() },
  ];
  return [...pages, ...actions];
}

const ADDITIONS: { page: string; text: string; tag: Tag | "configure" }[] = [
  { page: "queues", text: "Add a queue", tag: "configure" },
  { page: "exchanges", text: "Add an exchange", tag: "configure" },
  { page: "users", text: "Add a user", tag: "administrator" },
  { page: "vhosts", text: "Add a virtual host", tag: "administrator" },
  { page: "policies", text: "Add a policy", tag: "policymaker" },
];

async function search(text: string, stop: AbortSignal): Promise<Found[]> {
  const query = (fields: string) =>
    `?${new URLSearchParams({ page: "1", page_size: String(EACH), name: text, columns: fields })}`;
  const list = <T,>(where: string, fields: string) =>
    get<Page<T>>(where + query(fields), stop).then(({ items }) => items, () => [] as T[]);
  const none = Promise.resolve([]);
  const [queues, exchanges, connections, vhosts, users, policies] = await Promise.all([
    list<Queue>("/queues", "name,vhost"),
    list<Queue>("/exchanges", "name,vhost"),
    list<Connection>("/connections", "name,user_provided_name"),
    list<Vhost>("/vhosts", "name"),
    may("administrator") ? list<Vhost>("/users", "name") : none,
    list<Policy>("/policies", "name,vhost"),
  ]);
  const object = (kind: string, icon: IconName) => (each: Queue) => ({
    id: `${kind}${path(each.vhost, each.name)}`,
    text: each.name || "(default exchange)",
    kind: `${kind} in ${each.vhost}`,
    icon,
    run: () => go(href([`${kind.toLowerCase()}s`, each.vhost, each.name || "amq.default"])),
  });
  const named = (page: string, kind: string, icon: IconName) => ({ name }: Vhost) => ({
    id: `${page} ${name}`,
    text: name,
    kind,
    icon,
    run: () => go(href([page, name])),
  });
  return [
    ...queues.map(object("Queue", "queue")),
    ...exchanges.map(object("Exchange", "exchange")),
    ...connections.map((each) => ({
      id: each.name,
      text: each.user_provided_name ? `${each.user_provided_name} (${each.name})` : each.name,
      kind: "Connection",
      icon: "connection" as const,
      run: () => go(href(["connections", each.name])),
    })),
    ...vhosts.map(named("vhosts", "Virtual host", "database")),
    ...users.map(named("users", "User", "user")),
    ...policies.map(({ vhost, name }) => ({
      id: `policy${path(vhost, name)}`,
      text: name,
      kind: `Policy in ${vhost}`,
      icon: "policy" as const,
      run: () => go(href(["policies"], { q: name })),
    })),
  ];
}
