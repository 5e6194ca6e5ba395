import { describe, expect, it } from "vitest";
import { href, parse } from "../src/lib/router";
import { match } from "../src/routes";

describe("addresses", () => {
  it("come back as they went", () => {
    const parts = ["queues", "/", "a/b c?#%é<script>"];
    const query = { q: "x&y=z", sort: "-messages" };
    expect(parse(href(parts, query))).toEqual({ parts, query });
  });
  it("leave out what is empty", () => {
    expect(href(["queues"], { q: "", sort: undefined })).toBe("#/queues");
  });
  it("may be broken, and lead somewhere", () => {
    expect(parse("#/queues/%zz")).toEqual({ parts: ["queues", "%zz"], query: {} });
    expect(parse("")).toEqual({ parts: [], query: {} });
  });
});

describe("routes", () => {
  it("name their arguments", () => {
    expect(match(["queues", "/", "q"])?.args).toEqual({ vhost: "/", name: "q" });
    expect(match([])?.route.title).toBe("Overview");
    expect(match(["queues", "/"])).toBeUndefined();
  });
});
