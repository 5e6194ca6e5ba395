// A short table that becomes a card for each row where the screen is narrow, so that nobody has to
// scroll sideways. Its roles are said: as blocks, its parts would lose them.
import type { ComponentChildren } from "preact";

export interface Part {
  title: string;
  /** Nobody sees the title: the content says what it is. */
  silent?: boolean;
  num?: boolean;
}

interface Props {
  label: string;
  parts: Part[];
  rows: { key: string; cells: ComponentChildren[] }[];
}

/** The first cell of a row is its name. */
export function StackedTable({ label, parts, rows }: Props) {
  return (
    <div class="plain">
      <table class="table stacked" role="table" aria-label={label}>
        <thead role="rowgroup">
          <tr role="row">
            {parts.map(({ title, silent, num }) => (
              <th key={title} scope="col" role="columnheader" class={num ? "num" : ""}>
                {silent ? <span class="visually-hidden">{title}</span> : title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map(({ key, cells }) => (
            <tr key={key} role="row">
              {parts.map(({ title, silent, num }, i) => (
                <td key={title} role="cell" data-title={silent ? undefined : title} class={`${num ? "num" : ""} ${i === 0 ? "name" : ""}`}>
                  {cells[i]}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
