// What an import would do, section by section: what is new, what changes and how, what stays.
import type { Change, Section } from "../../lib/definitions";
import { count } from "../../lib/format";
import { toJson } from "../../lib/json";
import { Badge, type Tone } from "../../ui/parts";

const SHOW = 200;

const KINDS: Record<Change["kind"], [Tone, string]> = {
  new: ["good", "new"],
  changed: ["warn", "changed"],
  kept: ["info", "differs, stays"],
};

export function Differences({ sections }: { sections: Section[] }) {
  return (
    <section class="differences" aria-label="What would change" aria-live="polite">
      <p class="soft">An import adds and changes; it deletes nothing, and leaves queues and exchanges that are there as they are.</p>
      {sections.map((section) => (
        <details key={section.name} open={section.changes.length > 0 && section.changes.length <= 30}>
          <summary>
            <b>{section.title}</b> <Tally section={section} />
          </summary>
          <ul>
            {section.changes.slice(0, SHOW).map((change, i) => (
              <Line key={i} change={change} />
            ))}
            {section.changes.length > SHOW && <li class="faint">and {count(section.changes.length - SHOW)} more</li>}
          </ul>
        </details>
      ))}
    </section>
  );
}

function Tally({ section }: { section: Section }) {
  const many = (kind: Change["kind"]) => section.changes.filter((each) => each.kind === kind).length;
  return (
    <>
      {(Object.keys(KINDS) as Change["kind"][])
        .filter((kind) => many(kind) > 0)
        .map((kind) => (
          <Badge key={kind} tone={KINDS[kind][0]}>
            {count(many(kind))} {KINDS[kind][1]}
          </Badge>
        ))}
      {section.same > 0 && <Badge>{count(section.same)} the same</Badge>}
      {section.same + section.changes.length === 0 && <span class="faint">none</span>}
    </>
  );
}

function Line({ change: { kind, title, fields } }: { change: Change }) {
  const [tone, word] = KINDS[kind];
  return (
    <li>
      <div class="row">
        <Badge tone={tone}>{word}</Badge> <span class="mono">{title}</span>
      </div>
      {fields.map(({ name, before, after }) => (
        <div key={name} class="diff">
          <span class="soft">{name}</span>
          <del>{said(before)}</del>
          <ins>{said(after)}</ins>
        </div>
      ))}
    </li>
  );
}

function said(value: unknown): string {
  if (value === undefined) return "not set";
  return typeof value === "string" ? value || "(empty)" : toJson(value);
}
