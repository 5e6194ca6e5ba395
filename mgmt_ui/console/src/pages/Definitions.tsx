// Definitions: all that was set up, taken away as a file and put back, with what that would change
// shown first.
import { useState } from "preact/hooks";
import { get, path, post } from "../lib/api";
import { difference, type Document, faultOf, type Section } from "../lib/definitions";
import { plural } from "../lib/format";
import { parseJson, toJson } from "../lib/json";
import { refresh, useLive } from "../lib/live";
import type { Overview, Vhost } from "../lib/types";
import { Area, Select } from "../ui/Field";
import { Icon } from "../ui/Icon";
import { Card } from "../ui/parts";
import { complain, say } from "../ui/Toasts";
import { Differences } from "./parts/Differences";
import "../styles/admin.css";

const whole = (vhost: string) => (vhost ? path("definitions", vhost) : "/definitions");

function VhostChoice({ label, value, onChange }: { label: string; value: string; onChange: (vhost: string) => void }) {
  const vhosts = useLive<Vhost[]>("/vhosts").value ?? [];
  return (
    <Select
      label={label}
      value={value}
      onChange={onChange}
      options={[["", "The whole broker"], ...vhosts.map(({ name }) => [name, `Virtual host ${name}`] as const)]}
    />
  );
}

export default function Definitions() {
  return (
    <div class="page">
      <div class="head">
        <h1>Definitions</h1>
      </div>
      <p class="soft" style={{ maxWidth: "760px" }}>
        Users, virtual hosts, permissions, policies, parameters, exchanges, queues and bindings as one JSON file, in the form of
        RabbitMQ. Messages are not in it.
      </p>
      <div class="cards">
        <Export />
        <Import />
      </div>
    </div>
  );
}

function Export() {
  const [vhost, setVhost] = useState("");
  const node = useLive<Overview>("/overview").value?.node ?? "broker";
  const save = async () => {
    try {
      const document = await get<Document>(whole(vhost));
      download(`${node}${vhost ? `-${vhost}` : ""}-${new Date().toISOString().slice(0, 10)}.json`, document);
    } catch (error) {
      complain(error);
    }
  };
  return (
    <Card title="Export">
      <div class="stack">
        <VhostChoice label="What" value={vhost} onChange={setVhost} />
        <p class="soft">
          {vhost ? "Without users and permissions." : "With the hashes of all passwords: keep the file as a secret."}
        </p>
        <div class="row">
          <button type="button" class="button primary" onClick={save}>
            <Icon name="download" /> Download the file
          </button>
        </div>
      </div>
    </Card>
  );
}

function download(name: string, document: Document): void {
  const blob = new Blob([`${toJson(document, 2)}\n`], { type: "application/json" });
  const link = window.document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name.replace(/[^\w.@-]+/g, "_");
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function Import() {
  const [vhost, setVhost] = useState("");
  const [text, setText] = useState("");
  const [problem, setProblem] = useState("");
  const [shown, setShown] = useState<{ document: Document; sections: Section[] } | null>(null);
  const [busy, setBusy] = useState(false);
  const changed = (next: string) => {
    setText(next);
    setShown(null);
    setProblem("");
  };
  const compare = async (given = text) => {
    try {
      const document = parsed(given);
      setShown({ document, sections: difference(await get<Document>(whole(vhost)), document, vhost) });
      setProblem("");
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  const pick = async (event: Event) => {
    const file = (event.currentTarget as HTMLInputElement).files?.[0];
    if (!file) return;
    const content = await file.text();
    changed(content);
    await compare(content);
  };
  const load = async () => {
    if (!shown) return;
    setBusy(true);
    try {
      await post(whole(vhost), shown.document);
      say("The definitions are imported.");
      refresh();
      await compare();
    } catch (error) {
      setProblem((error as Error).message);
    }
    setBusy(false);
  };
  const changes = shown?.sections.flatMap((section) => section.changes).filter(({ kind }) => kind !== "kept").length ?? 0;
  return (
    <Card title="Import">
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void compare();
        }}
      >
        <VhostChoice
          label="Into"
          value={vhost}
          onChange={(next) => {
            setVhost(next);
            setShown(null);
          }}
        />
        <div class="field">
          <label for="definitions-file">File</label>
          <input id="definitions-file" type="file" accept=".json,application/json" onChange={pick} />
        </div>
        <Area label="Or its text" rows={6} value={text} onChange={changed} error={problem || undefined} />
        <div class="row">
          <button type="submit" class="button" disabled={!text}>
            <Icon name="eye" /> Show what would change
          </button>
          {shown && (
            <button type="button" class="button primary" disabled={busy || changes === 0} onClick={load}>
              <Icon name="upload" /> {changes === 0 ? "Nothing to import" : `Import ${plural(changes, "change")}`}
            </button>
          )}
        </div>
      </form>
      {shown && <Differences sections={shown.sections} />}
    </Card>
  );
}

/** The document in a text; throws Error with what is wrong with it. */
function parsed(text: string): Document {
  let value: unknown;
  try {
    value = parseJson(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    throw new Error(`This is not JSON: ${(error as Error).message}`);
  }
  const fault = faultOf(value);
  if (fault) throw new Error(fault);
  return value as Document;
}
