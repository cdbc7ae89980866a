import { readFileSync } from "node:fs";
import { parseDocument, type YAMLMap, type YAMLSeq } from "yaml";

/** The worker that is what it should be. */
export const HONEST = "honest";

const FIRST_INDEX = 2;
const demoSpec = new URL("../../examples/demo.yaml", import.meta.url).pathname;

/**
 * The demo's spec with other workers: the honest one, and one for each slot of the rows. Nodes and addresses enter no image, so
 * the release is the demo's own, from its cache.
 */
export function attacksSpec(slots: readonly string[]): string {
  const doc = parseDocument(readFileSync(demoSpec, "utf8"));
  const nodes = doc.getIn(["topology", "nodes"]) as YAMLSeq<YAMLMap>;
  nodes.items = nodes.items.filter((node) => node.get("role") === "master");
  const addresses = doc.getIn(["network", "addresses"]) as YAMLMap<{ value: string }, unknown>;
  addresses.items = addresses.items.filter((pair) => pair.key.value === "master");
  for (const [i, name] of [HONEST, ...slots].entries()) {
    nodes.add(doc.createNode({ name, role: "worker", index: FIRST_INDEX + i, failureDomain: "a", vm: { memory: "384MiB", cpus: 1 } }));
    doc.setIn(["network", "addresses", name], `10.100.10.${10 + i}`);
  }
  return doc.toString();
}
