// A part of a page whose code is fetched when it is first shown.
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Problem } from "./parts";

/** A component that stands for one that `load` brings. */
export function lazy<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  let there: ComponentType<P> | undefined;
  return function Lazy(props: P) {
    const [, redraw] = useState(0);
    const [failed, setFailed] = useState(false);
    useEffect(() => {
      if (there) return;
      load()
        .then((found) => {
          there = found;
          redraw((n) => n + 1);
        })
        .catch(() => setFailed(true));
    }, []);
    // Most likely the broker was updated, and the code of before is gone.
    if (failed) return <Problem error={new Error("This part could not be loaded.")} retry={() => location.reload()} />;
    const There = there;
    return There ? <There {...props} /> : <p class="soft">Loading…</p>;
  };
}
