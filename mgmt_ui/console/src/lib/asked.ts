// Dialogs that have an address: `?do=purge` asks, `?do=edit&of=...` says for which of several. A
// link to a page can so lead to what is to be done there, and a reload keeps it.
import { useEffect } from "preact/hooks";
import { place, setQuery } from "./router";

/** What the address asks for; "" for nothing. */
export function asked(): string {
  return place.value.query.do ?? "";
}

/** Of several the one that it asks about. */
export function askedOf(): string {
  return place.value.query.of ?? "";
}

export function askFor(name: string, of = ""): void {
  setQuery({ do: name, of });
}

export function answered(): void {
  if (asked()) setQuery({ do: "", of: "" });
}

/** A dialog that makes a new object: `?add=1`. */
export const adding = {
  get open(): boolean {
    return place.value.query.add === "1";
  },
  begin: () => setQuery({ add: "1" }),
  end: () => setQuery({ add: "" }),
};

/**
 * Runs a question while the address asks for it and all is there that it needs; `dismiss` takes
 * the question away where the address changes before it is answered.
 */
export function useQuestion(name: string, ready: boolean, run: () => Promise<unknown>, dismiss: () => void): void {
  const due = ready && asked() === name;
  useEffect(() => {
    if (!due) return;
    void run().finally(() => {
      if (asked() === name) answered();
    });
    return dismiss;
  }, [due]);
}
