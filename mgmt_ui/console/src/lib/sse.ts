// The format of server-sent events: text in pieces of any size in, whole events out.

export interface ServerEvent {
  event: string;
  data: string;
}

export class Events {
  private rest = "";

  feed(piece: string): ServerEvent[] {
    this.rest += piece;
    const blocks = this.rest.split("\n\n");
    this.rest = blocks.pop() ?? "";
    return blocks.map(parse).filter((each) => each !== null);
  }
}

function parse(block: string): ServerEvent | null {
  let event = "message";
  const data: string[] = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("event:")) event = line.slice(6).trim();
    else if (line.startsWith("data:")) data.push(line.slice(line[5] === " " ? 6 : 5));
  }
  return data.length ? { event, data: data.join("\n") } : null;
}
