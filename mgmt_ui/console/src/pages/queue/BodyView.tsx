// The body of a message: as JSON, text, octets or base64; unpacked where it is packed; to take away.
import { useEffect, useState } from "preact/hooks";
import type { Standing } from "../../lib/browse";
import { bytes } from "../../lib/format";
import { base64, bestView, bodyOf, type Message, octets, pretty, shownAs, unpacked, type View } from "../../lib/messages";
import { pref } from "../../lib/prefs";
import { jsonTokens } from "../../lib/tokens";
import { Icon } from "../../ui/Icon";
import { Marked } from "../../ui/Marked";
import { Segments, Snippet } from "../../ui/parts";

const wrap = pref("wrap", true);

interface Props {
  message: Standing;
  /** What the search was for in the body. */
  wanted: string | undefined;
  onAll: (() => void) | undefined;
}

export function BodyView({ message, wanted, onAll }: Props) {
  const [plain, setPlain] = useState<Message>();
  const [packed, setPacked] = useState(false);
  useEffect(() => {
    if (message.truncated) return;
    void unpacked(message).then((data) => data && setPlain({ ...message, ...bodyOf(data), payload_bytes: data.length }));
  }, [message]);
  const seen = plain && !packed ? plain : message;
  const [chosen, setChosen] = useState<View>();
  const view = chosen ?? bestView(seen);
  const json = seen.payload_encoding === "string" && pretty(seen.payload) !== undefined;
  const text = seen.payload_encoding === "string";
  const views = ([["json", "JSON"], ["text", "Text"], ["hex", "Hex"], ["base64", "Base64"]] as const).filter(
    ([each]) => (each !== "json" || json) && (each !== "text" || text),
  );
  const shown = shownAs(seen, view);
  const sought = view === "json" || view === "text" ? wanted : undefined;
  if (message.payload_bytes === 0) return <p class="soft">The body is empty.</p>;
  return (
    <div class="stack">
      <div class="row">
        <h3>Body</h3>
        <span class="faint">{bytes(seen.payload_bytes)}</span>
        <span class="grow" />
        <Segments label="Show the body as" options={views} value={view} onChange={setChosen} />
        <button type="button" class="button small" aria-pressed={wrap.value} title="Break long lines" onClick={() => (wrap.value = !wrap.value)}>
          <Icon name="wrap" />
        </button>
        <a class="button small" title="Save the body" aria-label="Save the body" href={address(seen)} download="message">
          <Icon name="download" />
        </a>
      </div>
      {plain && (
        <p class="soft">
          {packed ? "As it was sent, packed. " : `Unpacked from ${bytes(message.payload_bytes)}. `}
          <button type="button" class="link" onClick={() => setPacked(!packed)}>
            {packed ? "Show it unpacked" : "Show it as it was sent"}
          </button>
        </p>
      )}
      <div class={wrap.value && view !== "hex" ? "wrapped" : ""}>
        <Snippet text={shown}>
          <Letters text={shown} json={view === "json"} wanted={sought} />
        </Snippet>
      </div>
      {message.truncated && (
        <p class="row soft">
          The first {bytes(octets(message).length)} of {bytes(message.payload_bytes)}.
          {onAll && (
            <button type="button" class="button small" onClick={onAll}>
              Show all of it
            </button>
          )}
        </p>
      )}
    </div>
  );
}

function Letters({ text, json, wanted }: { text: string; json: boolean; wanted: string | undefined }) {
  if (!json) return <Marked text={text} wanted={wanted} />;
  return (
    <>
      {jsonTokens(text).map(({ text: piece, kind }, i) =>
        kind ? (
          <span key={i} class={`json-${kind}`}>
            <Marked text={piece} wanted={wanted} />
          </span>
        ) : (
          piece
        ),
      )}
    </>
  );
}

// A data address, not one of an object: nothing has to be remembered and freed.
function address(message: Message): string {
  return `data:application/octet-stream;base64,${base64(octets(message))}`;
}
