// How the sources become dist/: hashed names, relative addresses (so that the console works under
// any path prefix), and a compressed copy of every file beside it, so that serving costs nothing.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

function precompress(): Plugin {
  let directory = "";
  return {
    name: "precompress",
    apply: "build",
    configResolved(config) {
      directory = config.build.outDir;
    },
    closeBundle() {
      const names = readdirSync(directory, { recursive: true, encoding: "utf8" });
      for (const name of names.filter((each) => /\.(js|css|html|svg)$/.test(each))) {
        const path = join(directory, name);
        const content = readFileSync(path);
        writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
        const quality = { [constants.BROTLI_PARAM_QUALITY]: 11 };
        writeFileSync(`${path}.br`, brotliCompressSync(content, { params: quality }));
      }
    },
  };
}

export default defineConfig({
  base: "./",
  plugins: [precompress()],
  build: {
    target: "es2022",
    // Inlined pictures and polyfills would need a looser Content-Security-Policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    // `scripts/console dev` beside a running broker.
    proxy: { "/api": process.env.LEVERET_URL ?? "http://127.0.0.1:15672" },
  },
});
