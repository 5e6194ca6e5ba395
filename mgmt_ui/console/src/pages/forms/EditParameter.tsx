// Setting a runtime parameter: any JSON under a component and a name, or under a name alone.
import { useState } from "preact/hooks";
import { path, put } from "../../lib/api";
import { parseJson, toJson } from "../../lib/json";
import { useLive } from "../../lib/live";
import { vhostForNew } from "../../lib/paths";
import type { Vhost } from "../../lib/types";
import { Area, Select, Text } from "../../ui/Field";
import { FormDialog } from "../../ui/FormDialog";

export interface Parameter {
  name: string;
  value: unknown;
  /** Neither for a global one. */
  component?: string;
  vhost?: string;
}

export function parameterPath({ component, vhost, name }: Parameter): string {
  if (component === undefined || vhost === undefined) return path("global-parameters", name);
  return path("parameters", component, vhost, name);
}

interface Props {
  global: boolean;
  given?: Parameter;
  onClose: () => void;
}

export function EditParameter({ global, given, onClose }: Props) {
  const vhosts = useLive<Vhost[]>("/vhosts").value ?? [{ name: "/" }];
  const [component, setComponent] = useState(given?.component ?? "");
  const [vhost, setVhost] = useState(given?.vhost ?? vhostForNew());
  const [name, setName] = useState(given?.name ?? "");
  const [text, setText] = useState(given ? toJson(given.value, 2) : "");
  const fault = faultOf(text);
  const run = async () => {
    await put(parameterPath(global ? { name, value: null } : { component, vhost, name, value: null }), {
      value: parseJson<unknown>(text),
    });
    return `Parameter ${name} is set.`;
  };
  return (
    <FormDialog
      title={given ? `Change ${given.name}` : global ? "Add a global parameter" : "Add a parameter"}
      verb={given ? "Change the parameter" : "Add the parameter"}
      disabled={!name || (!global && !component) || Boolean(fault) || !text}
      fields={{ component: /^component / }}
      run={run}
      onClose={onClose}
    >
      {(at) => (
        <>
          {!given && !global && (
            <Text label="Component" value={component} onChange={setComponent} required autofocus error={at("component")} />
          )}
          {!given && <Text label="Name" value={name} onChange={setName} required autofocus={global} />}
          {!given && !global && vhosts.length > 1 && (
            <Select label="Virtual host" value={vhost} onChange={setVhost} options={vhosts.map((each) => [each.name, each.name])} />
          )}
          <Area
            label="Value, as JSON"
            value={text}
            onChange={setText}
            error={text && fault ? fault : undefined}
            hint={'A text is in quotes: "so".'}
            autofocus={Boolean(given)}
          />
        </>
      )}
    </FormDialog>
  );
}

function faultOf(text: string): string {
  try {
    JSON.parse(text);
    return "";
  } catch (error) {
    return `This is not JSON: ${(error as Error).message}`;
  }
}
