// The tags of a user: the known ones with what they allow, and a field for others.
import { useState } from "preact/hooks";
import { TAGS } from "../../lib/admin";
import { Check, Text } from "../../ui/Field";

const KNOWN = TAGS.map(([name]) => name);

export function TagsField({ tags, onChange }: { tags: string[]; onChange: (tags: string[]) => void }) {
  const [others, setOthers] = useState(tags.filter((each) => !KNOWN.includes(each)).join(", "));
  const known = tags.filter((each) => KNOWN.includes(each));
  const split = (text: string) => text.split(",").map((each) => each.trim()).filter(Boolean);
  return (
    <>
      <fieldset class="plain-fieldset field all">
        <legend class="label">Tags: what the user may do in this console and the HTTP API</legend>
        {TAGS.map(([name, text]) => (
          <Check
            key={name}
            label={
              <span>
                {name} <span class="faint">{text}</span>
              </span>
            }
            value={known.includes(name)}
            onChange={(on) => onChange([...known.filter((each) => each !== name), ...(on ? [name] : []), ...split(others)])}
          />
        ))}
      </fieldset>
      <Text
        all
        label="Other tags"
        hint="Separated by commas; for your own purposes. Without any tag a user can only connect by AMQP."
        value={others}
        onChange={(text) => {
          setOthers(text);
          onChange([...known, ...split(text)]);
        }}
      />
    </>
  );
}
