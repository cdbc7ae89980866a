import t from "tap";
import { parseHint } from "./hint.ts";

const good = { v: 1, slot: "worker-1", hub: { host: "10.100.10.10", port: 7443 }, lan: [{ interface: "eth0", address: "10.100.10.11/24" }] };

t.test("a hint says where things are", async (t) => {
  t.same(parseHint(JSON.stringify(good)), good);
  t.same(parseHint('{"v":1}'), { v: 1 });
});

t.test("a hint can't say anything else", async (t) => {
  const bad: [string, unknown][] = [
    ["a command", { ...good, run: "sh" }],
    ["another interface", { ...good, lan: [{ interface: "lo", address: "127.0.0.1/8" }] }],
    ["a name for the hub", { ...good, hub: { host: "$(reboot)", port: 1 } }],
    ["a port out of range", { ...good, hub: { host: "10.0.0.1", port: 65536 } }],
    ["an address without prefix", { ...good, lan: [{ interface: "eth0", address: "10.0.0.1" }] }],
    ["a slot with a newline", { ...good, slot: "a\nb" }],
    ["another version", { ...good, v: 2 }],
  ];
  for (const [name, value] of bad) t.throws(() => parseHint(JSON.stringify(value)), { code: "BAD_VALUE" }, name);
  t.throws(() => parseHint(JSON.stringify({ ...good, slot: "a".repeat(1100) })), { code: "TOO_LARGE" });
});
