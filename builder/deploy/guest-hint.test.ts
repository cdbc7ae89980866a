import { readFileSync } from "node:fs";
import t from "tap";
import { HINT_PREFIX, parseHint } from "../../proto/hint/hint.ts";
import { parseClusterSpec } from "../../proto/spec/parse.ts";
import { hintString, masterOf, nodeNamed } from "./guest-hint.ts";

const text = readFileSync(new URL("../../examples/demo.yaml", import.meta.url), "utf8");
const hintOf = (spec: string, name: string) => {
  const parsed = parseClusterSpec(spec, "spec.yaml");
  return parseHint(hintString(parsed, nodeNamed(parsed, name)).slice(HINT_PREFIX.length));
};

t.test("a node's hint is its place in the LAN and where the hub is", async (t) => {
  t.same(hintOf(text, "worker-1"), { v: 1, slot: "worker-1", hub: { host: "10.100.10.224", port: 7443 }, lan: [{ interface: "eth0", address: "10.100.10.223/24" }] });
  t.equal(hintOf(text, masterOf(parseClusterSpec(text, "x")).name).lan?.length, 2, "the master has the operators' network as well");
  t.same(hintOf(text.replace("  addresses:", "  gateway: 10.100.10.1\n  addresses:"), "worker-1").lan, [{ interface: "eth0", address: "10.100.10.223/24", gateway: "10.100.10.1" }]);
  t.throws(() => hintOf(text.replace(/\n {2}addresses:(\n {4}.*)*/, "").replace("targets:\n  qemu: {}", "targets: {}"), "worker-1"), { code: "NOT_DEPLOYED", message: /no address for worker-1/ });
});
