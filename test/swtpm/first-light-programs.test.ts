import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import t from "tap";
import { PATHS } from "../../agent/paths.ts";
import { attestHub } from "../../builder/deploy/attest-hub.ts";
import { hintString, nodeNamed } from "../../builder/deploy/guest-hint.ts";
import { Mailbox } from "../../builder/deploy/mailbox.ts";
import { makeDelivery } from "../../builder/deploy/make-delivery.ts";
import { readOperator } from "../../builder/deploy/read-operator.ts";
import { writePins } from "../../builder/deploy/state-folder.ts";
import { initKeys } from "../../builder/keys/init-keys.ts";
import { issueOperator } from "../../builder/keys/issue-operator.ts";
import { openKeys } from "../../builder/keys/open-keys.ts";
import { AGENT, compileProgram } from "../../builder/release/compile-program.ts";
import { makeImageConfig } from "../../builder/release/make-image-config.ts";
import { findRole, readRoles } from "../../builder/roles/read-roles.ts";
import { makeFileSigner } from "../../builder/sign/signer.ts";
import { defaultCacheDir } from "../../builder/toolchain/ensure-toolchain.ts";
import type { NodeObject } from "../../hub/cli/output/objects.ts";
import { encodeEnvelope } from "../../proto/dsse/dsse.ts";
import { parseImageConfig } from "../../proto/release/image-config.ts";
import { imageInputs } from "../../proto/spec/image-inputs.ts";
import { parseClusterSpec } from "../../proto/spec/parse.ts";
import { canonicalJson } from "../../proto/wire/json.ts";
import { AgentMachine } from "../fakes/agent-machine.ts";
import { smbiosTable } from "../fakes/agent-case.ts";
import { firmwareLog, releaseOf } from "../fakes/evidence-case.ts";
import { type Host, Lan } from "./first-light-lan.ts";

// The whole line by the programs as they are: `kubedos-hub serve` and its CLI, agents on master and worker, a TPM each, the
// build host's own attestation and delivery. Every machine is a network namespace with the kernel's own nftables, addresses and
// routes. Only WireGuard is played, as not every kernel that tests run on has it: a plane is an empty bridge, and `wg` keeps
// what it is told. Real tunnels are tested in guests (test/qemu).

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const entropy = (n: number): Uint8Array => new Uint8Array(randomBytes(n));
const dir = mkdtempSync(join(tmpdir(), "kubedos-programs-"));
t.setTimeout(240_000);
t.teardown(() => rmSync(dir, { recursive: true, force: true }));

const file = path("../../examples/demo.yaml");
const spec = parseClusterSpec(readFileSync(file, "utf8"), file);
await initKeys({ dir: join(dir, "keys"), cluster: "demo", passphrase: "a long enough passphrase", now: new Date() });
const keys = await openKeys(join(dir, "keys"), "a long enough passphrase");
const signer = makeFileSigner(keys);
const identity = join(dir, "alice");
await issueOperator({ keys, name: "alice", operatorRole: "admin", out: identity, now: new Date() });
const release = { ...releaseOf(firmwareLog), images: ["master", "worker"].flatMap((role) => releaseOf(firmwareLog, role).images) };

// The executable that images hold; first-light.test.ts puts its siblings through the same.
const { path: agentProgram } = await compileProgram(AGENT, defaultCacheDir, () => undefined);

/** A machine of the spec, as its image, its firmware and its host make it. */
async function bootMachine(name: string): Promise<AgentMachine> {
  const node = nodeNamed(spec, name);
  // Volumes need a kernel of their own: test/qemu/volumes.test.ts.
  const role = { ...findRole(await readRoles(), node.role), volumes: [] };
  const image = makeImageConfig({ spec: imageInputs(spec), role, releaseKeys: keys.releaseKeys, policyKey: keys.policyKey, root: keys.root, epoch: 0 });
  const machine = await AgentMachine.boot(parseImageConfig(image));
  machine.put(PATHS.smbios, smbiosTable([hintString(spec, node)]));
  machine.put(`${PATHS.links}/eth1`, "");
  // What kubedos-runtime.service makes.
  for (const folder of ["run/kubedos-hub", PATHS.mailboxIn, PATHS.mailboxOut]) mkdirSync(join(machine.root, folder), { recursive: true, mode: 0o700 });
  // `ip` reaches both kernels: the real one, where a plane is a bridge, and the one that keeps peers.
  const played = readFileSync(join(machine.root, "usr/bin/ip"), "utf8").split("\n").find((line) => line.includes("exec")) ?? "";
  machine.put("/usr/bin/nft", `#!/bin/sh\nexec ${programPath("nft")} "$@"\n`, 0o755);
  machine.put(
    "/usr/bin/ip",
    `#!/bin/sh\nset -e\nin=${machine.root}/ip.$$\n/usr/bin/cat > "$in"\n(${played}) < "$in" > /dev/null\n/usr/bin/sed 's/type wireguard/type bridge/' "$in" | ${programPath("ip")} "$@"\n/usr/bin/rm "$in"\n`,
    0o755,
  );
  return machine;
}

function programPath(name: string): string {
  const found = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].map((folder) => join(folder, name)).find((at) => existsSync(at));
  if (found === undefined) throw new Error(`needs ${name}`);
  return found;
}

/** Starts a program in a machine's network with nothing of our environment; it dies with us. */
function start(children: ChildProcess[], { enter: [file, ...before] }: Host, argv: readonly string[]): ChildProcess {
  const said = process.env["KUBEDOS_TEST_LOG"] === undefined ? "ignore" : "inherit";
  const env = { PATH: "/usr/bin:/bin", TMPDIR: dir, BUN_JSC_useJIT: "0" };
  const child = spawn("setpriv", ["--pdeathsig", "KILL", "--", file, ...before, ...argv], { cwd: dir, env, stdio: ["ignore", said, said] });
  children.push(child);
  return child;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exit = once(child, "exit");
  child.kill(signal);
  await exit;
  return child.exitCode;
}

async function until<T>(what: string, look: () => T | null | Promise<T | null>): Promise<T> {
  for (const limit = Date.now() + 60_000; Date.now() < limit; await sleep(30)) {
    const found = await look();
    if (found !== null) return found;
  }
  throw new Error(`waited for ${what}`);
}

/** A machine's folder in place of its guest agent. */
function mailboxOf({ root }: AgentMachine): Mailbox {
  const at = (name: string): string => join(root, name);
  return new Mailbox(
    {
      read: async (name) => (existsSync(at(name)) ? new Uint8Array(readFileSync(at(name))) : null),
      write: async (name, data) => writeFileSync(at(name), data),
    },
    (ms) => sleep(Math.min(ms, 30)),
  );
}

t.test("a cluster from stamping to revocation", async (t) => {
  t.setTimeout(230_000);
  const began = performance.now();
  const lap = (what: string): void => t.comment(`${what} after ${((performance.now() - began) / 1000).toFixed(1)} s`);
  const children: ChildProcess[] = [];
  const machines: AgentMachine[] = [];
  const boot = async (name: string): Promise<AgentMachine> => {
    const machine = await bootMachine(name);
    machines.push(machine);
    return machine;
  };
  const state = mkdtempSync(join(dir, "state-"));
  const lan = await Lan.lay("10.100.10.1/24");
  t.teardown(async () => {
    await Promise.all(children.map((child) => end(child, "SIGKILL")));
    await lan.remove();
    for (const machine of machines) await machine.powerOff();
  });
  const hosts = { master: await lan.plug("10.0.2.2/24"), worker: await lan.plug() };
  const master = await boot("master");
  const worker = await boot("worker-1");
  const pins = await writePins(state, spec, keys, signer, new Map([["master", master.ekName], ["worker-1", worker.ekName]]));
  const agentOf = (machine: AgentMachine, host: Host) => start(children, host, [agentProgram, "run", "--root", machine.root, "--tpm", `unix:${join(machine.root, "tpm")}`]);

  // The hub waits for its delivery; the build host attests its machine, and certifies it.
  const runDir = join(master.root, "run/kubedos-hub");
  const hub = start(children, hosts.master, [process.execPath, path("../../hub/main.ts"), "serve", "--image", join(master.root, PATHS.imageConfig), "--state-dir", state, "--run-dir", runDir, "--tpm", `unix:${join(master.root, "tpm")}`]);
  agentOf(master, hosts.master);
  const mailbox = mailboxOf(master);
  const verifierKey = new Uint8Array(keys.releaseKey.export({ type: "spki", format: "der" }));
  const facts = await attestHub(mailbox, { cluster: "demo", ekName: master.ekName, role: "master", release, verifierKey, entropy, now: () => performance.now() });
  t.match(facts, { anchor: "pinned", phase: "kubedos-agent" }, "the master is attested before any network to it is used");
  lap("attested");
  t.notOk(lan.reaches("10.0.2.15", 7444), "no operator is served before the delivery");
  const envelope = encodeEnvelope(await signer.signDocument("release", canonicalJson(release)));
  const operator = await readOperator(identity, keys, new Date());
  await mailbox.postBytes("delivery", await makeDelivery({ facts, signer, operatorIssuer: keys.operatorIssuer, slot: "master", releases: [envelope], pins, operator, now: new Date() }));
  await until("the hub to listen", () => lan.reaches("10.0.2.15", 7444) || null);
  lap("hub listens");

  /** The operator's CLI, from the operators' network. This process goes on meanwhile: the machines' TPMs are behind its sockets. */
  const cli = async (...argv: readonly string[]) => {
    const [file, ...before] = lan.outside.enter;
    const child = spawn(file, [...before, path("../../bin/kubedos-hub"), ...argv, "--hub", "10.0.2.15:7444", "--identity", identity], { env: { PATH: "/usr/bin:/bin" }, stdio: ["ignore", "pipe", "pipe"] });
    const exit = once(child, "exit") as Promise<[number | null]>;
    const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
    return { status, stdout, stderr };
  };
  const nodeOf = async (name: string): Promise<NodeObject | null> => {
    const { status, stdout } = await cli("node", "show", name, "-o", "json");
    return status === 0 ? (JSON.parse(stdout) as NodeObject) : null;
  };
  const inState = (name: string, state: string) =>
    until(`${name} to be ${state}`, async () => {
      const node = await nodeOf(name);
      return node?.state === state ? node : null;
    });
  t.equal((await inState("master", "connected")).ekName, master.ekName, "the hub's own node has attested to its hub");
  lap("master connected");

  t.equal((await cli("window", "open", "--for", "5m", "--max", "2")).status, 0, "the window is open");
  const running = agentOf(worker, hosts.worker);
  t.match(await inState("worker-1", "pending"), { anchor: "pinned", ekName: worker.ekName }, "the worker attested and waits");
  lap("pending");
  t.equal((await worker.kernel()).links.size, 0, "no plane before an operator's word");
  t.match(await cli("approve", "worker-1", "--ek-name", master.ekName), { status: 8, stderr: /EK/ }, "the word must be about this machine");
  t.match(await cli("approve", "worker-1", "--ek-name", worker.ekName, "--timeout", "60s"), { status: 0 }, "approved, and waited for");
  t.equal((await nodeOf("worker-1"))?.state, "connected", "connected");
  lap("approved and connected");

  const links = (host: Host): readonly string[] => {
    const [file, ...before] = host.enter;
    const { stdout } = spawnSync(file, [...before, "ip", "-j", "-4", "address", "show", "type", "bridge"], { encoding: "utf8" });
    const found = JSON.parse(stdout === "" ? "[]" : stdout) as { ifname?: string; addr_info?: { local: string; prefixlen: number }[] }[];
    return found.flatMap((l) => (l.addr_info ?? []).map((a) => `${l.ifname} ${a.local}/${a.prefixlen}`)).sort();
  };
  const peersOf = async (machine: AgentMachine) => [...(await machine.kernel()).links.values()].map((link) => [...link.peers.values()].map((p) => `${p.allowedIps} ${p.endpoint}`));
  await until("the worker's planes", () => (worker.said?.planes.length === 3 && worker.said.planes.every((plane) => plane.peers.length === 1) ? true : null));
  t.same(links(hosts.worker), ["wg1 10.78.0.2/32", "wg2 10.79.0.2/32", "wg3 10.80.0.2/32"], "the planes' addresses are in the kernel");
  t.same(links(hosts.master), ["wg1 10.78.0.1/32", "wg2 10.79.0.1/32", "wg3 10.80.0.1/32"], "on the master too");
  const atMaster = (port: number) => `10.100.10.224:${port}`;
  t.same(await peersOf(worker), [[`10.78.0.1/32 ${atMaster(51821)}`], [`10.79.0.1/32 ${atMaster(51822)}`], [`10.80.0.1/32 ${atMaster(51823)}`]], "wg was told of the master");
  t.same(await peersOf(master), [["10.78.0.2/32 (none)"], ["10.79.0.2/32 (none)"], ["10.80.0.2/32 (none)"]], "and of the worker");

  t.ok(lan.reaches("10.100.10.224", 7443), "nodes reach the hub on the LAN");
  t.notOk(lan.reaches("10.100.10.224", 7444), "operators don't");
  t.notOk(lan.reaches("10.100.10.223", 22), "nobody reaches the worker");
  const [file, ...before] = hosts.worker.enter;
  const ruleset = spawnSync(file, [...before, "nft", "list", "table", "inet", "kubedos"], { encoding: "utf8" }).stdout;
  t.match(ruleset, /counter dropped_in_lan \{\s+packets [1-9]/, "the worker's kernel dropped and counted it");
  t.equal(ruleset.match(/policy drop;/g)?.length, 3, "in, out and through");

  // Goal: 100 ms. Up to here nothing but the kernel's own programs runs beside the agent.
  const other = await boot("worker-2");
  other.put("/usr/bin/ip", `#!/bin/sh\nexec ${programPath("ip")} "$@"\n`, 0o755);
  const place = await lan.plug();
  const at = performance.now();
  agentOf(other, place);
  const quoted = await until("a quote", () => other.quotes[0] ?? null);
  t.comment(`process start → admission quote: ${Math.round(quoted - at)} ms with the environment of its unit`);
  const asking = async (): Promise<NodeObject | null> => (JSON.parse((await cli("pending", "-o", "json")).stdout) as { items: NodeObject[] }).items.find((n) => n.ekName === other.ekName) ?? null;
  t.match(await until("the stranger to ask", asking), { state: "unanchored", anchor: "none" }, "a machine that nobody pinned stands there as such");

  // On a loaded machine the CLI may stop waiting for the master's word (7): the revocation holds, and reaches it.
  const revoked = await cli("revoke", "worker-1", "--reason", "end of the test", "--yes");
  t.ok(revoked.status === 0 || revoked.status === 7, "revoke ends in order");
  t.match(revoked.stdout, /^worker-1 is revoked/, "revoked");
  lap("revoked");
  await until("the master to drop its peer", async () => ((await peersOf(master)).flat().length === 0 ? true : null));
  t.same(await peersOf(master), [[], [], []], "the master's wg was told");
  await until("the worker's planes to go", () => (links(hosts.worker).length === 0 ? true : null));
  t.equal(await end(running, "SIGTERM"), 0, "the agent ends in order");
  agentOf(worker, hosts.worker);
  await until("refused", () => (worker.said?.node.state === "refused" ? true : null));
  t.match(worker.said?.node, { code: "IDENTITY_REVOKED" }, "it can't come back");
  t.equal(await end(hub, "SIGTERM"), 0, "the hub ends in order");
  lap("the end");
});
