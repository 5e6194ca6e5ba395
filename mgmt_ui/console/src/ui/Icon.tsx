// Pictures of 16 by 16, drawn as lines. Decoration: what they stand beside says it in words.

const PATHS = {
  overview: "M2 13h12M4 13V8M8 13V3M12 13V6",
  queue: "M2 4h12M2 8h12M2 12h8",
  exchange: "M2 5h9l-3-3M14 11H5l3 3",
  topology: "M3 3h3v3H3zM10 10h3v3h-3zM10 3h3v3h-3zM6 4.500h4M11.5 6v4",
  connection: "M6 10 10 6M7 4l1.5-1.500a2.5 2.5 0 0 1 4 4L11 8M9 12l-1.5 1.500a2.5 2.5 0 0 1-4-4L5 8",
  channel: "M2 6c3-4 5 4 8 0 1.5-2 3-1 4 0M2 11c3-4 5 4 8 0 1.5-2 3-1 4 0",
  consumer: "M8 8.500a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM2.5 14c.5-2.5 2.7-4 5.5-4s5 1.5 5.5 4",
  admin: "M8 1.5 13 3.500v4c0 3.5-2 5.5-5 7-3-1.5-5-3.5-5-7v-4z",
  search: "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM14 14l-3.4-3.4",
  menu: "M2 4h12M2 8h12M2 12h12",
  close: "M4 4l8 8M12 4l-8 8",
  plus: "M8 3v10M3 8h10",
  minus: "M3 8h10",
  fit: "M2.5 6V2.500H6M10 2.500h3.500V6M13.5 10v3.500H10M6 13.500H2.500V10",
  check: "M3 8.5 6.5 12 13 4.5",
  alert: "M8 5v4M8 11.500v.1M8 1.5 15 14H1z",
  sun: "M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM8 1v1.500M8 13.500V15M1 8h1.500M13.5 8H15M3 3l1 1M12 12l1 1M3 13l1-1M12 4l1-1",
  moon: "M13.5 9.500A6 6 0 0 1 6.5 2.500a6 6 0 1 0 7 7z",
  system: "M2 3h12v8H2zM6 14h4M8 11v3",
  clock: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 4.500V8l2.5 1.5",
  copy: "M5.5 5.500h8v8h-8zM10.5 5.500v-3h-8v8h3",
  trash: "M2.5 4h11M6 4V2.500h4V4M4 4l.700 9.500h6.600L12 4M6.7 7v4M9.3 7v4",
  purge: "M3 13h10M5 13l-1.5-3.5 6-6 3.5 3.5-6 6z",
  send: "M14 2 2 7l5 2 2 5z",
  download: "M8 2v8M4.5 7 8 10.5 11.5 7M2.5 13.500h11",
  upload: "M8 11V3M4.5 6 8 2.5 11.5 6M2.5 13.500h11",
  columns: "M2 3h12v10H2zM6 3v10M10 3v10",
  user: "M8 8a2.7 2.7 0 1 0 0-5.400A2.7 2.7 0 0 0 8 8zM3 14c.4-2.3 2.4-3.6 5-3.600s4.6 1.3 5 3.6",
  out: "M6 2.500H3v11h3M10 5l3 3-3 3M13 8H6",
  more: "M3.5 8h.1M8 8h.1M12.5 8h.1",
  move: "M2 8h11M9 4l4 4-4 4",
  table: "M2 3h12v10H2zM2 6.500h12M2 10h12M6.5 3v10",
  pause: "M5.5 3v10M10.5 3v10",
  play: "M4.5 2.5 13 8l-8.5 5.500z",
  refresh: "M13 5A5.5 5.5 0 1 0 13.5 9M13.5 2.500V5.500h-3",
  left: "M10 3 5 8l5 5",
  right: "M6 3l5 5-5 5",
  eye: "M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8zM8 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4z",
  database: "M8 6c3 0 5-.9 5-2s-2-2-5-2-5 .9-5 2 2 2 5 2zM3 4v8c0 1.1 2 2 5 2s5-.9 5-2V4M3 8c0 1.1 2 2 5 2s5-.9 5-2",
  limit: "M2.5 12a6 6 0 1 1 11 0M8 9.5 11 6M8 10.200a.7.7 0 1 0 0-1.400.7.7 0 0 0 0 1.400z",
  settings: "M2 4.500h6M11 4.500h3M8 3h3v3H8zM2 11.500h3M8 11.500h6M5 10h3v3H5z",
  undo: "M5 3 2.5 5.500 5 8M3 5.500h6.500a3.500 3.500 0 0 1 0 7H6",
  wrap: "M2 3.500h12M2 8h9.500a2.250 2.250 0 0 1 0 4.500H8M9.5 11 8 12.500 9.5 14M2 12.500h3",
  policy: "M3 2h7l3 3v9H3zM5.5 7h5M5.5 10h5",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon-svg" viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
