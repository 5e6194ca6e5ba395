// A text with what was searched for standing out.
import { marked } from "../lib/tokens";

export function Marked({ text, wanted }: { text: string; wanted: string | undefined }) {
  return <>{marked(text, wanted).map((piece, i) => (i % 2 ? <mark key={i}>{piece}</mark> : piece))}</>;
}
