// Text cut into pieces that are shown in different ways: JSON by what each piece is, and what was
// searched for wherever it stands.

export interface Token {
  text: string;
  kind: "" | "key" | "text" | "number" | "word";
}

const JSON_PARTS = /("(?:[^"\\]|\\.)*")(\s*:)?|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\b(?:true|false|null)\b/g;

/** Longer texts are shown in one colour: so many elements would make the page slow. */
const MOST = 48 * 1024;

/** JSON as keys, texts, numbers, words and what is between them; together they are the whole text. */
export function jsonTokens(text: string): Token[] {
  if (text.length > MOST) return [{ text, kind: "" }];
  const tokens: Token[] = [];
  let end = 0;
  for (const found of text.matchAll(JSON_PARTS)) {
    if (found.index > end) tokens.push({ text: text.slice(end, found.index), kind: "" });
    const [whole, quoted, colon] = found;
    tokens.push({ text: quoted ?? whole, kind: quoted === undefined ? kindOfWord(whole) : colon ? "key" : "text" });
    if (colon) tokens.push({ text: colon, kind: "" });
    end = found.index + whole.length;
  }
  if (end < text.length) tokens.push({ text: text.slice(end), kind: "" });
  return tokens;
}

function kindOfWord(whole: string): "number" | "word" {
  return /^[tfn]/.test(whole) ? "word" : "number";
}

/** The pieces of a text that are `wanted` and that are not, in turns, the first one not. */
export function marked(text: string, wanted: string | undefined): string[] {
  if (!wanted) return [text];
  const pieces: string[] = [];
  let from = 0;
  for (let at = text.indexOf(wanted); at >= 0 && pieces.length < 1000; at = text.indexOf(wanted, from)) {
    pieces.push(text.slice(from, at), wanted);
    from = at + wanted.length;
  }
  return [...pieces, text.slice(from)];
}

const WORDS = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/**
 * JSON with every member on a line of its own. Numbers stay as they are written: an id of twenty
 * digits, read and written again, would be another one.
 */
export function indented(json: string): string {
  const words = json.match(WORDS) ?? [];
  let text = "";
  let depth = 0;
  const line = () => `\n${"  ".repeat(depth)}`;
  for (const [i, word] of words.entries()) {
    if (word === "{" || word === "[") {
      depth += 1;
      text += word;
      if (!isEnd(words[i + 1])) text += line();
    } else if (isEnd(word)) {
      depth -= 1;
      if (!/[{[]$/.test(words[i - 1] ?? "") || words[i - 1]?.startsWith('"')) text += line();
      text += word;
    } else if (word === ",") text += `,${line()}`;
    else if (word === ":") text += ": ";
    else text += word.startsWith('"') ? JSON.stringify(JSON.parse(word)) : word;
  }
  return text;
}

const isEnd = (word: string | undefined) => word === "}" || word === "]";
