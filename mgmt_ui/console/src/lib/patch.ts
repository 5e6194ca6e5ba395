// What the live stream sends when a value has changed, applied without changing the old value:
// parts that stayed the same are the same objects afterwards, so that nothing of them is drawn anew.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** See mgmt_ui/live.py: replaced; members set, dropped, patched; items patched, cut, appended. */
export interface Patch {
  r?: Json;
  s?: Record<string, Json>;
  d?: string[];
  p?: Record<string, Patch>;
  n?: number;
  e?: Json[];
}

/** The value after a patch. Throws when the patch is for a value of another shape. */
export function apply(value: Json, patch: Patch): Json {
  if ("r" in patch) return patch.r as Json;
  if (Array.isArray(value)) return applyToArray(value, patch);
  if (value === null || typeof value !== "object") throw new Error("patch for a plain value");
  const changed: { [key: string]: Json } = { ...value, ...patch.s };
  for (const key of patch.d ?? []) delete changed[key];
  for (const [key, inner] of Object.entries(patch.p ?? {})) changed[key] = apply(at(value, key), inner);
  return changed;
}

function applyToArray(value: Json[], patch: Patch): Json[] {
  const changed = value.slice(0, patch.n ?? value.length);
  for (const [index, inner] of Object.entries(patch.p ?? {})) {
    changed[Number(index)] = apply(at(value, index), inner);
  }
  changed.push(...(patch.e ?? []));
  return changed;
}

function at(value: Json[] | { [key: string]: Json }, key: string): Json {
  const found = Array.isArray(value) ? value[Number(key)] : value[key];
  if (found === undefined) throw new Error(`patch for a missing member ${key}`);
  return found;
}
