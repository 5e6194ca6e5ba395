// The page of the place where we are: its code is fetched when it is first opened.
import type { ComponentType } from "preact";
import { Component, type ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { href, place } from "../lib/router";
import { may } from "../lib/session";
import { match, type PageProps, type PageRoute } from "../routes";
import { Empty, Problem } from "./parts";

const loaded = new Map<PageRoute, ComponentType<PageProps>>();

export function PageView() {
  const { parts } = place.value;
  const found = match(parts);
  const key = parts.join("/");
  const [, redraw] = useState(0);
  const [failed, setFailed] = useState<Error>();
  const route = found?.route;
  useEffect(() => {
    window.scrollTo(0, 0);
    document.title = `${[...parts.slice(1).reverse(), route?.title ?? "Not found"].join(" · ")} · Leveret`;
  }, [key]);
  useEffect(() => {
    setFailed(undefined);
    if (!route || loaded.has(route)) return;
    route
      .load()
      .then((module) => {
        loaded.set(route, module.default);
        redraw((n) => n + 1);
      })
      .catch(setFailed);
  }, [route]);

  if (!found) {
    return (
      <Empty title="There is no such page">
        <a href={href([])}>To the overview</a>
      </Empty>
    );
  }
  if (!may(found.route.tag ?? "management")) {
    return <Empty title="This page is for others">It needs the tag {found.route.tag}.</Empty>;
  }
  if (failed) {
    // Most likely the broker was updated, and the code of before is gone.
    return <Problem error={new Error("This page could not be loaded.")} retry={() => location.reload()} />;
  }
  const Page = loaded.get(found.route);
  return Page ? (
    <Guard key={key}>
      <Page args={found.args} />
    </Guard>
  ) : null;
}

/** A fault in one page leaves the rest standing. */
class Guard extends Component<{ children: ComponentChildren }, { error?: Error }> {
  static override getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <Problem
        error={new Error(`This page has failed: ${error.message}`)}
        retry={() => this.setState({ error: undefined } as never)}
      />
    );
  }
}
