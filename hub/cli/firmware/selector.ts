import { z } from "zod";
import type { Node } from "../../../proto/gen/kubedos/v1/admin.ts";

/** What a selector can ask for: verified facts only, never what a machine says of itself. */
const KEYS = {
  role: (node: Node) => node.role,
  slot: (node: Node) => node.name,
  name: (node: Node) => node.name,
  release: (node: Node) => String(node.releaseGeneration),
} as const satisfies Readonly<Record<string, (node: Node) => string>>;

type Key = keyof typeof KEYS;
/** Conditions that a node must all meet. */
export type Selector = ReadonlyMap<Key, string>;

const isKey = (text: string): text is Key => Object.hasOwn(KEYS, text);

/** `role=worker,release=3` → conditions; `release` is the generation. */
export const selectorText = z.string().transform((text, context): Selector => {
  const selector = new Map<Key, string>();
  for (const part of text.split(",")) {
    const [, key = "", value = ""] = /^([a-z]+)=([a-z0-9][-a-z0-9]{0,62})$/.exec(part.trim()) ?? [];
    if (!isKey(key)) context.addIssue({ code: "custom", message: `must be like role=worker,release=3; the keys are ${Object.keys(KEYS).join(", ")}` });
    else if (selector.has(key)) context.addIssue({ code: "custom", message: `names ${key} twice, and no node can meet both` });
    else selector.set(key, value);
  }
  return selector;
});

/** Whether a node meets all conditions. */
export function selects(selector: Selector, node: Node): boolean {
  return [...selector].every(([key, value]) => KEYS[key](node) === value);
}
