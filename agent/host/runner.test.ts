import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { createRunner } from "./runner.ts";

const memory = mkdtempSync(join(tmpdir(), "kubedos-runner-"));
t.teardown(() => rmSync(memory, { recursive: true }));
const runner = createRunner({ path: "/usr/sbin:/usr/bin:/sbin:/bin", memory });

t.test("standard input, read as a stream or opened by name", async (t) => {
  t.equal(await runner.run(["cat"], "secret\n"), "secret\n");
  t.equal(await runner.run(["cat", "/dev/stdin"], "secret\n"), "secret\n", "as wg reads a key");
  t.equal((await runner.run(["cat"], "x".repeat(3_000_000))).length, 3_000_000);
  t.equal(await runner.run(["true"], "x".repeat(3_000_000)), "", "a program that doesn't read it");
  t.equal(await runner.run(["cat"]), "", "none is empty, not the agent's own");
  t.same(readdirSync(memory), [], "nothing is left behind");
});

t.test("nothing but a fixed environment", async (t) => {
  process.env["KUBEDOS_CANARY"] = "1";
  const entries = (await runner.run(["env", "-0"])).split("\0").filter((entry) => entry !== "");
  // tap adds variables of its own to every child of a test; nothing else may be there.
  t.same(entries.filter((entry) => !/^(_?TAP|NODE_OPTIONS=)/.test(entry)).sort(), ["LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]);
});

t.test("arguments aren't a shell's", async (t) => {
  t.equal(await runner.run(["echo", "$(id)", ";", "a b", "*"]), "$(id) ; a b *\n");
});

t.test("failures say what was run, and why", async (t) => {
  await t.rejects(runner.run(["false"]), { code: "COMMAND_FAILED", message: "false: exit code 1" });
  await t.rejects(runner.run(["cat", "/nowhere"]), { code: "COMMAND_FAILED", message: /^cat \/nowhere: exit code 1, cat: \/nowhere: No such file/ });
  await t.rejects(runner.run(["no-such-program"]), { code: "COMMAND_FAILED", message: /no-such-program: .*ENOENT/ });
  await t.rejects(createRunner({ path: memory, memory }).run(["true"]), { code: "COMMAND_FAILED" }, "no other folder is searched");
});

t.test("the real tools take what the agent sends them", async (t) => {
  // In a network namespace of its own: a host without the WireGuard module still judges the syntax.
  const unshare = process.getuid?.() === 0 ? ["-n"] : ["-rn"];
  const probe = spawnSync("unshare", [...unshare, "ip", "link", "add", "dev", "d0", "type", "dummy"], { encoding: "utf8" });
  if (probe.error) throw new Error("this test needs unshare (util-linux) and ip (iproute2)", { cause: probe.error });
  const batch = ["link set dev lo mtu 1420 up", "address replace 10.78.0.5/32 dev lo", "route replace 10.78.0.0/24 dev lo", "address delete 10.78.0.5/32 dev lo"];
  await runner.run(["unshare", ...unshare, "ip", "-batch", "-"], `${batch.join("\n")}\n`);
  t.same(JSON.parse(await runner.run(["unshare", ...unshare, "ip", "-j", "-4", "route", "show"])), []);
  t.match(JSON.parse(await runner.run(["unshare", ...unshare, "ip", "-j", "address", "show"])), [{ ifname: "lo", mtu: 65536, addr_info: [] }]);
  const key = "YAnz5TF+lXXJte14tji3zlMNftTN/ctGcnBYDs4KtDM=";
  const peer = ["peer", key, "endpoint", "192.168.100.1:51821", "persistent-keepalive", "25", "allowed-ips", "10.78.0.1/32"];
  const args = ["private-key", "/dev/stdin", "listen-port", "51821", "peer", key, "remove", ...peer];
  // wg parses everything, the key from its input included, before it looks for the interface.
  await t.rejects(runner.run(["unshare", ...unshare, "wg", "set", "wg1", ...args], `${key}\n`), { message: /Unable to modify interface: (No such device|Operation not supported|Protocol not supported)/ });
  await t.rejects(runner.run(["unshare", ...unshare, "wg", "set", "wg1", ...args], "no key\n"), { message: /Invalid length key in key file/ });
});
