// What stands around every page: navigation, virtual host, search, theme, who is signed in.
import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { signOut } from "../lib/api";
import { chooseVhost } from "../lib/chosen";
import { short } from "../lib/format";
import { line, useLive } from "../lib/live";
import { chosenVhost, type Theme, theme, zone } from "../lib/prefs";
import { href, place } from "../lib/router";
import { may, session } from "../lib/session";
import type { Overview, Vhost } from "../lib/types";
import { type PageRoute, ROUTES } from "../routes";
import { Confirmation } from "./Dialog";
import { Icon, type IconName } from "./Icon";
import { PageView } from "./PageView";
import { openPalette, Palette } from "./Palette";
import { IconButton, Menu } from "./parts";
import { Toasts } from "./Toasts";

const drawer = signal(false);

export function Frame() {
  const overview = useLive<Overview>("/overview").value;
  useEffect(() => {
    drawer.value = false;
  }, [place.value.parts.join("/")]);
  useKeys();
  return (
    <>
      <a class="skip" href="#main" onClick={toMain}>
        Skip to the page
      </a>
      <div class="frame">
        <a class="brand" href="#/">
          <img src="./favicon.svg" alt="" /> Leveret
        </a>
        <Top />
        <Side overview={overview} />
        <div class={`veil ${drawer.value ? "open" : ""}`} onClick={() => (drawer.value = false)} />
        <main class="main" id="main" tabIndex={-1}>
          <Lost />
          <PageView />
        </main>
      </div>
      <Palette />
      <Confirmation />
      <Toasts />
    </>
  );
}

function toMain(event: Event): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

function Top() {
  return (
    <header class="top">
      <IconButton kind="quiet menu-button" icon="menu" label="Menu" onClick={() => (drawer.value = true)} />
      <VhostSwitch />
      <span class="grow" />
      <button type="button" class="button" onClick={openPalette} aria-label="Find anything Ctrl K">
        <Icon name="search" /> <span class="wide-only">Find anything</span> <kbd class="wide-only">Ctrl K</kbd>
      </button>
      <LineSign />
      <ThemeSwitch />
      <Menu
        kind="quiet"
        title={`Signed in as ${session.value?.user ?? ""}`}
        label={
          <>
            <Icon name="user" /> <span class="wide-only">{session.value?.user}</span>
          </>
        }
      >
        <p class="soft" style={{ padding: "4px 10px" }}>
          {session.value?.user}
          <br />
          <span class="faint">{session.value?.tags.join(", ")}</span>
        </p>
        <hr />
        <button type="button" onClick={() => void signOut()}>
          <Icon name="out" /> Sign out
        </button>
      </Menu>
    </header>
  );
}

function VhostSwitch() {
  const { value } = useLive<Vhost[]>("/vhosts");
  const names = (value ?? []).map(({ name }) => name);
  if (names.length < 2 && !chosenVhost.value) return null;
  const known = names.includes(chosenVhost.value) || !chosenVhost.value;
  return (
    <select
      class="select"
      style={{ width: "auto", maxWidth: "42vw" }}
      aria-label="Virtual host"
      value={chosenVhost.value}
      onChange={(event) => {
        chooseVhost(event.currentTarget.value);
      }}
    >
      <option value="">All virtual hosts</option>
      {!known && <option value={chosenVhost.value}>{chosenVhost.value}</option>}
      {names.map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  );
}

const LINES: Record<string, [string, string]> = {
  live: ["good", "Live"],
  connecting: ["warn", "Connecting…"],
  lost: ["bad", "No connection"],
  asking: ["warn", "Every 5 s"],
  paused: ["", "Paused"],
};

function LineSign() {
  const [tone, text] = LINES[line.value] ?? ["", ""];
  return (
    <span class="row soft nowrap wide-only" role="status" title="How this page hears of changes">
      <span class={`dot ${tone}`} /> {text}
    </span>
  );
}

function Lost() {
  const [late, setLate] = useState(false);
  const lost = line.value === "lost";
  useEffect(() => {
    // A short cut needs no words.
    const timer = setTimeout(() => setLate(lost), lost ? 1200 : 0);
    return () => clearTimeout(timer);
  }, [lost]);
  if (!late) return null;
  return (
    <div class="banner bad" role="alert" style={{ marginBottom: "16px" }}>
      <Icon name="alert" />
      <span>
        The broker does not answer. What you see is from before; this page goes on by itself when it is back.
      </span>
    </div>
  );
}

const THEMES: [Theme, string, IconName][] = [
  ["system", "As the system", "system"],
  ["light", "Light", "sun"],
  ["dark", "Dark", "moon"],
];

const ZONES = [
  ["local", "Local time"],
  ["utc", "UTC"],
] as const;

function ThemeSwitch() {
  const [, , icon] = THEMES.find(([each]) => each === theme.value) ?? THEMES[0] ?? ["", "", "system"];
  return (
    <Menu kind="quiet icon" title="Light or dark, local time or UTC" label={<Icon name={icon as IconName} />}>
      {THEMES.map(([each, text, picture]) => (
        <button key={each} type="button" onClick={() => (theme.value = each)}>
          <Icon name={picture} /> {text}
          {theme.value === each && <Icon name="check" />}
        </button>
      ))}
      <hr />
      {ZONES.map(([each, text]) => (
        <button key={each} type="button" aria-pressed={zone.value === each} onClick={() => (zone.value = each)}>
          <Icon name="clock" /> {text}
          {zone.value === each && <Icon name="check" />}
        </button>
      ))}
    </Menu>
  );
}

function Side({ overview }: { overview: Overview | undefined }) {
  const open = drawer.value;
  const sections = new Map<string, PageRoute[]>();
  for (const route of ROUTES) {
    if (!route.nav || !may(route.tag ?? "management")) continue;
    sections.set(route.nav.section, [...(sections.get(route.nav.section) ?? []), route]);
  }
  const current = place.value.parts[0] ?? "";
  return (
    <nav class={`side ${open ? "open" : ""}`} aria-label="Pages">
      <a class="home" href="#/" aria-hidden="true" tabIndex={-1}>
        <img src="./favicon.svg" alt="" /> Leveret
      </a>
      {[...sections].map(([section, routes]) => (
        <div key={section}>
          {section && <h2>{section}</h2>}
          {routes.map(({ pattern, title, nav }) => (
            <a key={pattern} href={href(pattern ? [pattern] : [])} aria-current={pattern === current ? "page" : undefined}>
              <Icon name={nav?.icon ?? "overview"} /> {title}
              {nav?.tally && overview?.object_totals && (
                <span class="tally">{short(overview.object_totals[nav.tally])}</span>
              )}
            </a>
          ))}
        </div>
      ))}
      <div class="foot">
        {overview?.cluster_name}
        <br />
        {overview?.product_name} {overview?.product_version}
      </div>
    </nav>
  );
}

function useKeys(): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const typing = (event.target as HTMLElement).closest("input, textarea, select, dialog");
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        openPalette();
      } else if (!typing && event.key === "/" && !event.ctrlKey) {
        const search = document.querySelector<HTMLElement>("[data-search]");
        if (search) {
          event.preventDefault();
          search.focus();
        }
      } else if (event.key === "Escape" && drawer.value) drawer.value = false;
    };
    window.addEventListener("keydown", pressed);
    return () => window.removeEventListener("keydown", pressed);
  }, []);
}

