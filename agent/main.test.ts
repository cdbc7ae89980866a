import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { createPrivateKey, generateKeyPairSync, randomBytes, X509Certificate } from "node:crypto";
import t from "tap";
import { boundArgv } from "../test/fakes/bound-argv.ts";
import { buildSea } from "../builder/compile/build-sea.ts";
import { judge } from "../hub/attest/judge.ts";
import type { UnverifiedEvidence, Verdict } from "../hub/attest/types.ts";
import { admit, imageConfig, peer, releaseKey, rootPem, smbiosTable, spkiOf } from "../test/fakes/agent-case.ts";
import { BOOT_ID, challengeFor, firmwareLog, knownOf, releaseOf } from "../test/fakes/evidence-case.ts";
import { type NodeCall, sendChallenge, startNodeHub } from "../test/fakes/node-hub.ts";
import { makeIdentity, makePki } from "../test/fakes/pki.ts";
import { measureInitrd } from "../test/swtpm/measure-initrd.ts";
import { startSwtpm, type Swtpm } from "../test/swtpm/start-swtpm.ts";
import { encodeEnvelope, signEnvelope } from "../proto/dsse/dsse.ts";
import { verifierContext } from "../proto/evidence/extra-data.ts";
import { DELIVERY_TYPE } from "../proto/release/delivery.ts";
import { verifyIdentity, verifySelfSigned } from "../proto/pki/verify.ts";
import { TpmClient } from "../proto/tpm/client.ts";
import { makeCredential } from "../proto/tpm/credential.ts";
import { nameOf } from "../proto/tpm/public.ts";
import { fromBase64, toBase64 } from "../proto/wire/base64.ts";
import { sha256, utf8 } from "../proto/wire/bytes.ts";
import { toHex } from "../proto/wire/hex.ts";
import { canonicalJson } from "../proto/wire/json.ts";
import { PATHS } from "./paths.ts";

t.setTimeout(120_000);

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const built = mkdtempSync(join(tmpdir(), "kubedos-agent-"));
t.teardown(() => rmSync(built, { recursive: true, force: true }));

/** The programs under test: the source, and the same source as one executable of bun and of Node. */
async function programs(): Promise<[string, string[]][]> {
  const bun = here("../node_modules/@oven/bun-linux-x64/bin/bun");
  const flags = ["--compile", "--minify", "--bytecode", "--format=esm", "--splitting", "--no-compile-autoload-dotenv", "--no-compile-autoload-bunfig"];
  const { status, stderr } = spawnSync(bun, ["build", ...flags, here("main.ts"), "--outfile", join(built, "kubedos-agent")], { encoding: "utf8" });
  if (status !== 0) throw new Error(`bun can't compile the agent: ${stderr}`);
  await buildSea(here("main.ts"), join(built, "kubedos-agent-sea"), join(built, "sea"));
  return [["Node", [process.execPath, here("main.ts")]], ["bun", [join(built, "kubedos-agent")]], ["SEA", [join(built, "kubedos-agent-sea")]]];
}

const pki = await makePki("demo");
const hubIdentity = await makeIdentity(pki, "hub", "master-1");
const operator = await makeIdentity(pki, "operator", "alice");

/** A TPM as the initrd leaves it, and a folder that stands for the machine. */
async function newMachine(hub: boolean, hubPort: number): Promise<{ root: string; swtpm: Swtpm; pcr11(): Promise<string> }> {
  const swtpm = await startSwtpm();
  const client = new TpmClient(swtpm.transport);
  await measureInitrd(client, firmwareLog);
  const root = mkdtempSync(join(built, "root-"));
  const put = (path: string, data: Uint8Array | string, mode = 0o644): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), data);
    chmodSync(join(root, path), mode);
  };
  put(PATHS.imageConfig, JSON.stringify(imageConfig(rootPem(pki), hub)));
  put(PATHS.bootId, `${BOOT_ID}\n`);
  put(PATHS.firmwareLog, firmwareLog);
  put(`${PATHS.links}/eth0`, "");
  const hint = { v: 1, slot: "w-1", hub: { host: "127.0.0.1", port: hubPort }, lan: [{ interface: "eth0", address: "192.168.100.5/24" }] };
  put(PATHS.smbios, smbiosTable([`kubedos.hint=${JSON.stringify(hint)}`]));
  put(`${PATHS.mailboxIn}/README`, "unknown to the agent");
  if (hub) put(PATHS.issuers, JSON.stringify({ hub: "AAAA", node: "BBBB" }));
  // Programs of the machine: they take what they are given, and say so. None reads its input.
  for (const name of ["nft", "ip", "wg", "systemctl", "ping"]) put(`/usr/bin/${name}`, `#!/bin/sh\necho "$@" >> ${root}/${name}.log\n`, 0o755);
  return { root, swtpm, pcr11: async () => toHex((await client.readPcrs([11])).get(11) ?? new Uint8Array(0)) };
}

const children: ChildProcess[] = [];
t.teardown(() => children.forEach((child) => child.kill("SIGKILL")));

function run([program = "", ...before]: string[], ...more: string[]): ChildProcess {
  const [file, ...args] = boundArgv([program, ...before, ...more]);
  const child = spawn(file, args, { stdio: ["ignore", "ignore", "inherit"], env: { TMPDIR: built } });
  children.push(child);
  return child;
}

async function until<T>(what: string, look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (let i = 0; i < 500; i++) {
    const value = await look();
    if (value !== undefined) return value;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`never came true: ${what}`);
}

function readJson(root: string, path: string): Record<string, unknown> | undefined {
  return existsSync(join(root, path)) ? (JSON.parse(readFileSync(join(root, path), "utf8")) as Record<string, unknown>) : undefined;
}

/** Plays the hub up to the verdict, with the verdict's real code. */
async function judgeCall(call: NodeCall): Promise<Verdict> {
  const hello = await call.next("hello");
  const challenge = sendChallenge(call, hello, "demo", hubIdentity);
  const e = await call.next("evidence");
  const bytes = (b: Buffer): Uint8Array => new Uint8Array(b);
  const evidence: UnverifiedEvidence = {
    ekPublic: bytes(hello.ekPublic),
    akPublic: bytes(hello.akPublic),
    secret: bytes(e.secret),
    quote: bytes(e.quote),
    signature: bytes(e.signature),
    claims: bytes(e.claims),
    firmwareLog: bytes(e.firmwareLog),
    userspaceLog: bytes(e.userspaceLog),
  };
  const own = new X509Certificate(call.certificate);
  // Self-signed before the admission, the node's identity afterwards: the key is the same.
  if (own.issuer === own.subject) verifySelfSigned(call.certificate, new Date());
  else verifyIdentity({ chain: [call.certificate, pki.issuers.node.certificate], root: pki.root.certificate, role: "node", cluster: "demo", now: new Date() });
  return judge(evidence, challengeFor(challenge, evidence), knownOf(spkiOf(own.publicKey), [releaseOf(firmwareLog)]));
}

for (const [runtime, program] of await programs()) {
  t.test(`${runtime}: a worker proves itself, is admitted, is killed, comes back`, async (t) => {
    const verdicts: [number, Verdict][] = [];
    const keyOf = (root: string) => createPrivateKey(String(readJson(root, PATHS.keys)?.["tlsKey"]));
    const hub = await startNodeHub(hubIdentity, async (call) => {
      const verdict = await judgeCall(call);
      verdicts.push([performance.now(), verdict]);
      if (!verdict.ok) return call.end();
      call.send({ $case: "waiting", value: { id: "bb00", state: "pending", message: "waits for an operator" } });
      call.send({ $case: "admission", value: await admit(pki, operator, keyOf(machine.root), verdict.facts.ekName) });
      const set = [peer(operator, "master-1", "master", 1, "192.168.100.1")];
      call.send({ $case: "planeUpdate", value: { epoch: 1n, serial: 1n, full: true, set, remove: [] } });
      await call.next("planeAck");
    });
    const machine = await newMachine(false, hub.port);
    const options = ["--root", machine.root, "--tpm", `unix:${machine.swtpm.socketPath}`];
    t.teardown(async () => {
      hub.stop();
      await machine.swtpm.stop();
    });

    const started = performance.now();
    const first = run(program, "run", ...options);
    const [at, verdict] = await until("a verdict", () => verdicts[0]);
    t.comment(`process start to verdict: ${Math.round(at - started)} ms`);
    t.match(verdict, { ok: true, facts: { phase: "kubedos-agent", claims: { role: "worker", bootId: BOOT_ID } } });
    await until("admitted", () => ((readJson(machine.root, PATHS.status)?.["node"] as { state?: string } | undefined)?.state === "admitted" ? true : undefined));
    t.match(spawnSync(program[0] ?? "", [...program.slice(1), "status", "--root", machine.root], { encoding: "utf8" }).stdout, /^node +admitted w-1/);
    const wgLog = (): string => (existsSync(join(machine.root, "wg.log")) ? readFileSync(join(machine.root, "wg.log"), "utf8") : "");
    t.ok(await until("a peer", () => (/^set wg1 private-key \/dev\/stdin peer /m.test(wgLog()) ? true : undefined)), "the peer reached wg");
    const keys = readFileSync(join(machine.root, PATHS.keys), "utf8");
    t.notMatch(readFileSync(join(machine.root, PATHS.status), "utf8"), (JSON.parse(keys) as { wireguard: { wg1: { privateKey: string } } }).wireguard.wg1.privateKey);

    first.kill("SIGKILL");
    await once(first, "exit");
    const before = await machine.pcr11();
    const second = run(program, "run", ...options);
    const [, again] = await until("a verdict of the second life", () => verdicts.find(([when, v]) => v.ok && when > at));
    t.match(again, { ok: true, facts: { phase: "kubedos-admitted" } });
    t.equal(readFileSync(join(machine.root, PATHS.keys), "utf8"), keys, "the same keys");

    writeFileSync(join(machine.root, PATHS.mailboxIn, "challenge.json"), "{}");
    writeFileSync(join(machine.root, PATHS.mailboxIn, "challenge.json.ready"), "");
    t.match(await until("an answer", () => readJson(machine.root, `${PATHS.mailboxOut}/challenge-error.json`)), { code: "BAD_REQUEST", message: /hub's node alone/ });
    second.kill("SIGTERM");
    t.same(await once(second, "exit"), [0, null], "it ends when it is told to");
    t.equal(await machine.pcr11(), before, "no word twice");

    spawnSync(program[0] ?? "", [...program.slice(1), "fail", ...options]);
    t.not(await machine.pcr11(), before, "fail extends PCR 11");
    t.match(readFileSync(join(machine.root, "systemctl.log"), "utf8"), /(^|\n)poweroff -ff\n$/);
  });
}

t.test("the hub's node answers the host's mailbox and nobody else's delivery", async (t) => {
  const machine = await newMachine(true, 1);
  const agent = run([join(built, "kubedos-agent")], "run", "--root", machine.root, "--tpm", `unix:${machine.swtpm.socketPath}`);
  t.teardown(async () => {
    agent.kill("SIGTERM");
    await machine.swtpm.stop();
  });
  const post = (name: string, data: Uint8Array): void => {
    writeFileSync(join(machine.root, PATHS.mailboxIn, `${name}.json`), data);
    writeFileSync(join(machine.root, PATHS.mailboxIn, `${name}.json.ready`), "");
  };
  const answer = async (file: string) => {
    const value = await until(file, () => readJson(machine.root, `${PATHS.mailboxOut}/${file}`));
    rmSync(join(machine.root, PATHS.mailboxOut, file));
    return value;
  };

  const identity = await answer("identity.json");
  const ekPublic = fromBase64(String(identity["ekPublic"]));
  const akPublic = fromBase64(String(identity["akPublic"]));
  const nonce = new Uint8Array(randomBytes(32));
  const secret = new Uint8Array(randomBytes(32));
  const verifier = verifierContext("demo", spkiOf(releaseKey.publicKey));
  const credential = makeCredential({ ekPublic, akName: nameOf(akPublic), secret, entropy: (n) => new Uint8Array(randomBytes(n)) });
  const request = {
    nonce: toBase64(nonce),
    credentialBlob: toBase64(credential.credentialBlob),
    encryptedSecret: toBase64(credential.encryptedSecret),
    verifier: toBase64(verifier),
  };
  post("challenge", canonicalJson(request));
  const e = await answer("evidence.json");
  const part = (name: string): Uint8Array => fromBase64(String(e[name]));
  const evidence = { ekPublic, akPublic, secret: part("secret"), quote: part("quote"), signature: part("signature"), claims: part("claims"), firmwareLog: part("firmwareLog"), userspaceLog: part("userspaceLog") };
  const known = { ...knownOf(null, [releaseOf(firmwareLog, "master")]), pinnedRole: "master" };
  t.match(judge(evidence, challengeFor({ nonce, secret, verifier, issuedAt: 1000, expiresAt: 2000 }, evidence), known), { ok: true, facts: { claims: { issuers: { hub: "AAAA" } } } });

  const bad: [string, unknown, RegExp][] = [
    ["an unknown key", { ...request, command: "id" }, /nrecognized key/],
    ["a short nonce", { ...request, nonce: toBase64(nonce.subarray(1)) }, /32 bytes/],
    ["a credential for another TPM", { ...request, credentialBlob: toBase64(randomBytes(credential.credentialBlob.length)) }, /./],
    ["too large", { ...request, nonce: "A".repeat(20000) }, /more than 16384 bytes/],
  ];
  for (const [name, body, message] of bad) {
    post("challenge", canonicalJson(body));
    t.match(await answer("challenge-error.json"), { message }, name);
    t.notOk(existsSync(join(machine.root, PATHS.mailboxOut, "evidence.json")), `${name}: no evidence`);
  }

  const delivery = { kind: "kubedos/delivery", version: 1, cluster: "demo", hubIssuer: "AAAA", nodeIssuer: "AAAA", operatorIssuer: "AAAA", slot: "master-1", releases: ["AAAA"], pins: "AAAA", approvals: [] };
  const sign = (value: object, key = releaseKey, type = DELIVERY_TYPE): Uint8Array => encodeEnvelope(signEnvelope(type, canonicalJson(value), key.privateKey, key.publicKey));
  const refused: [string, Uint8Array, RegExp][] = [
    ["another key", sign(delivery, generateKeyPairSync("ed25519")), /no signature of a trusted key/],
    ["another type", sign(delivery, releaseKey, "text/plain"), /envelope holds/],
    ["another cluster", sign({ ...delivery, cluster: "other" }), /for cluster other/],
    ["no envelope", utf8("{}"), /./],
  ];
  for (const [name, data, message] of refused) {
    post("delivery", data);
    t.match(await answer("delivery-error.json"), { message }, name);
  }
  t.notOk(existsSync(join(machine.root, PATHS.delivery)), "none of them reached the hub");
  const good = sign(delivery);
  post("delivery", good);
  t.same(await answer("delivery.json"), { sha256: toHex(sha256(good)) });
  t.same(new Uint8Array(readFileSync(join(machine.root, PATHS.delivery))), good);

  post("probe", utf8('{"id":7,"target":"10.0.0.1"}'));
  t.match(await answer("probe-error.json"), { code: "BAD_VALUE" });
  post("probe", utf8('{"id":7}'));
  t.same(await answer("probe.json"), { id: 7, planes: [], tcp: [] });
  t.match(await until("counts", () => (readJson(machine.root, PATHS.status)?.["mailbox"] as { served: number } | undefined)?.served === 3 ? readJson(machine.root, PATHS.status)?.["mailbox"] : undefined), { served: 3, refused: 9, unknown: 1 });
});

t.test("the environment and the working folder bring no code into the executables", async (t) => {
  const trap = mkdtempSync(join(built, "trap-"));
  writeFileSync(join(trap, "evil.cjs"), `require("node:fs").writeFileSync(${JSON.stringify(join(trap, "ran"))}, "")`);
  writeFileSync(join(trap, "bunfig.toml"), `preload = ["./evil.cjs"]\n`);
  writeFileSync(join(trap, ".env"), "BUN_CONFIG_PRELOAD=./evil.cjs\n");
  const sea = spawnSync(join(built, "kubedos-agent-sea"), ["version"], { cwd: trap, encoding: "utf8", env: { NODE_OPTIONS: `--require=${join(trap, "evil.cjs")}` } });
  const bun = spawnSync(join(built, "kubedos-agent"), ["version"], { cwd: trap, encoding: "utf8", env: {} });
  for (const { status, stdout } of [sea, bun]) t.match({ status, stdout }, { status: 0, stdout: /^kubedos-agent / });
  t.notOk(existsSync(join(trap, "ran")), "nothing of the trap ran");
  // What bun can't be told to ignore, the unit takes out of the environment.
  const unit = readFileSync(here("../systemd/kubedos-agent.service"), "utf8");
  for (const name of ["BUN_BE_BUN", "BUN_OPTIONS", "BUN_CONFIG_PRELOAD", "NODE_OPTIONS", "LD_PRELOAD"]) t.match(unit, new RegExp(`^UnsetEnvironment=.*\\b${name}\\b`, "m"));
});

t.test("usage", async (t) => {
  const agent = (...args: string[]) => spawnSync(join(built, "kubedos-agent"), args, { encoding: "utf8", env: {} });
  const { version } = JSON.parse(readFileSync(here("../package.json"), "utf8")) as { version: string };
  t.equal(agent("version").stdout, `kubedos-agent ${version}\n`);
  t.equal(agent("--help").status, 0);
  for (const args of [[], ["bogus"], ["run", "now"], ["run", "--bogus"], ["status", "-o", "xml"], ["fail", "a", "b"]]) t.equal(agent(...args).status, 2, args.join(" "));
  t.equal(agent("status", "--root", built).status, 3, "no status yet");
  t.match(agent("run", "--root", built, "--tpm", "tcp:nowhere"), { status: 1, stdout: /failed BAD_CONFIG/ }, "no image: it fails as a node would");
});
