// The limits of a user or of a virtual host, changed in place.
import { useState } from "preact/hooks";
import { path, put, remove } from "../../lib/api";
import { count } from "../../lib/format";
import { refresh } from "../../lib/live";
import { Text } from "../../ui/Field";
import { Card } from "../../ui/parts";
import { complain, say } from "../../ui/Toasts";

interface Props {
  kind: "user-limits" | "vhost-limits";
  name: string;
  known: [string, string][];
  value: Record<string, number>;
  changeable: boolean;
}

export function LimitsCard({ kind, name, known, value, changeable }: Props) {
  return (
    <Card title="Limits">
      <div class="stack">
        {known.map(([limit, label]) =>
          changeable ? (
            <Limit key={`${limit} ${value[limit]}`} where={path(kind, name, limit)} label={label} value={value[limit]} />
          ) : (
            <p key={limit}>
              {label}: {value[limit] === undefined ? "no limit" : count(value[limit])}
            </p>
          ),
        )}
      </div>
    </Card>
  );
}

function Limit({ where, label, value }: { where: string; label: string; value: number | undefined }) {
  const given = value === undefined ? "" : String(value);
  const [text, setText] = useState(given);
  const [problem, setProblem] = useState("");
  const save = async (event: Event) => {
    event.preventDefault();
    try {
      if (text === "") await remove(where);
      else await put(where, { value: Number(text) });
      setProblem("");
      say(text === "" ? `${label}: no limit any more.` : `${label}: ${count(Number(text))}.`);
    } catch (error) {
      const reason = (error as Error).message.replace(/^Validation failed\s*/, "").trim();
      if (reason) setProblem(reason);
      else complain(error);
    }
    refresh();
  };
  return (
    <form class="row" style={{ alignItems: "flex-end" }} onSubmit={save}>
      <div style={{ flex: "1 1 180px" }}>
        <Text
          label={label}
          type="number"
          placeholder="no limit"
          value={text}
          onChange={setText}
          error={problem || undefined}
        />
      </div>
      <button type="submit" class="button" disabled={text === given} aria-label={`Set ${label.toLowerCase()}`}>
        {text === "" && given !== "" ? "Lift" : "Set"}
      </button>
    </form>
  );
}
