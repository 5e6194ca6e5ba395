// One message: a line that says what it is, and all of it when opened.
import { useState } from "preact/hooks";
import { bytes, local } from "../lib/format";
import { bestView, deathStory, headersOf, hex, type Message, octets, pretty, properties, type View } from "../lib/messages";
import { Icon } from "./Icon";
import { Badge, Facts, Segments, Snippet } from "./parts";

interface Props {
  message: Message;
  number: number;
  onRepublish?: (message: Message) => void;
}

export function MessageView({ message, number, onRepublish }: Props) {
  const given = properties(message);
  const [view, setView] = useState<View>(bestView(message));
  const story = deathStory(headersOf(message));
  return (
    <details class="message">
      <summary>
        <span class="faint num">{number}</span>
        <b class="mono cut">{message.routing_key || "(no key)"}</b>
        <span class="mono cut soft grow">{message.payload_encoding === "string" ? message.payload.slice(0, 160) : "(binary)"}</span>
        {message.redelivered && <Badge tone="warn">redelivered</Badge>}
        {story.length > 0 && <Badge tone="bad">dead letter</Badge>}
        <span class="faint nowrap">{bytes(message.payload_bytes)}</span>
      </summary>
      <div class="inside">
        <div class="stack">
          <div class="row">
            <Segments
              label="Show the body as"
              options={[["json", "JSON"], ["text", "Text"], ["hex", "Hex"]] as const}
              value={view}
              onChange={setView}
            />
            <span style={{ flex: 1 }} />
            {onRepublish && (
              <button type="button" class="button small" onClick={() => onRepublish(message)}>
                <Icon name="send" /> Publish again
              </button>
            )}
            <a class="button small" href={download(message)} download={`message-${number}`}>
              <Icon name="download" /> Save
            </a>
          </div>
          <Snippet text={shown(message, view)} />
          {octets(message).length < message.payload_bytes && (
            <p class="faint">Only the first {bytes(octets(message).length)} are shown.</p>
          )}
        </div>
        <div class="stack">
          {story.length > 0 && (
            <div>
              <h3>How it died</h3>
              <ol class="story">
                {story.map((each) => (
                  <li key={each}>{each}</li>
                ))}
              </ol>
            </div>
          )}
          <Facts
            of={[
              ["Exchange", message.exchange || "(default exchange)"],
              ["Routing key", <code key="key">{message.routing_key}</code>],
              ...Object.entries(given)
                .filter(([name]) => name !== "headers")
                .map(([name, value]) => [label(name), value_(name, value)] as [string, string]),
            ]}
          />
          {Object.keys(headersOf(message)).length > 0 && (
            <div>
              <h3>Headers</h3>
              <Facts
                of={Object.entries(headersOf(message))
                  // Told as a story above.
                  .filter(([name]) => name !== "x-death")
                  .map(([name, value]) => [
                    name,
                    <code key={name}>{typeof value === "string" ? value : JSON.stringify(value)}</code>,
                  ])}
              />
            </div>
          )}
        </div>
      </div>
    </details>
  );
}

function shown(message: Message, view: View): string {
  if (view === "hex") return hex(octets(message));
  if (view === "json") return pretty(message.payload) ?? message.payload;
  return message.payload_encoding === "string" ? message.payload : new TextDecoder().decode(octets(message));
}

function label(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1).replaceAll("_", " ");
}

function value_(name: string, value: unknown): string {
  if (name === "delivery_mode") return value === 2 ? "2, persistent" : `${value}, transient`;
  if (name === "timestamp" && typeof value === "number") return local(value * 1000);
  if (name === "expiration") return `${value} ms`;
  return String(value);
}

// A data address, not one of an object: nothing has to be remembered and freed.
function download(message: Message): string {
  const raw = [...octets(message)].map((each) => String.fromCharCode(each)).join("");
  return `data:application/octet-stream;base64,${btoa(raw)}`;
}
