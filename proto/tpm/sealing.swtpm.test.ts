import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { runTool } from "../../test/swtpm/run-tool.ts";
import { resetSwtpm } from "../../test/swtpm/reset-swtpm.ts";
import { type OwnSwtpm, startSwtpm } from "../../test/swtpm/start-swtpm.ts";
import { sha256, utf8 } from "../wire/bytes.ts";
import { toHex } from "../wire/hex.ts";
import { ByteWriter } from "../wire/writer.ts";
import { TpmClient } from "./client.ts";
import { replayExtends } from "./pcr.ts";
import { type ApprovedPolicy, approvedMessage, type PolicyKey, policyKeyOf } from "./policy-key.ts";
import { policyAuthorizeDigest, policyPcrDigest } from "./policy.ts";
import type { SealScope } from "./sealing.ts";
import type { TpmTransport } from "./transport.ts";

const PCRS = [4, 7, 11, 12];
const REF = sha256(utf8("volumes of role master"));
const entropy = (n: number): Uint8Array => new Uint8Array(randomBytes(n));
const SECRET = entropy(64);

interface Signing extends PolicyKey {
  readonly privateKey: KeyObject;
}
function makeKey(): Signing {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { ...policyKeyOf(publicKey), privateKey };
}
function approve(key: Signing, policy: Uint8Array, ref: Uint8Array = REF): ApprovedPolicy {
  return { policy, signature: new Uint8Array(sign("sha256", approvedMessage(policy, ref), key.privateKey)) };
}

/** What firmware, stub, init and agent extend up to the moment in which volumes are opened. */
const BOOT: readonly (readonly [number, string])[] = [[4, "uki"], [7, "secure boot on"], [11, ".linux"], [11, "kubedos-agent"]];
const valuesOf = (extends_: readonly (readonly [number, string])[]): Map<number, Uint8Array> =>
  new Map(PCRS.map((pcr) => [pcr, replayExtends(extends_.filter(([p]) => p === pcr).map(([, what]) => sha256(utf8(what))))]));
const approvedBoot = policyPcrDigest(valuesOf(BOOT));

const key = makeKey();
const scope: SealScope = { key, policyRef: REF, pcrs: PCRS, approved: [approve(key, approvedBoot)], entropy };

async function boot(swtpm: OwnSwtpm, steps: readonly (readonly [number, string])[], transport: TpmTransport = swtpm.transport): Promise<TpmClient> {
  await resetSwtpm(swtpm);
  const client = new TpmClient(transport);
  await client.startup();
  for (const [pcr, what] of steps) await client.extendPcr(pcr, sha256(utf8(what)));
  return client;
}

const swtpm = await startSwtpm();
t.teardown(() => swtpm.stop());
const dir = await mkdtemp(join(tmpdir(), "kubedos-sealing-"));
t.teardown(() => rm(dir, { recursive: true, force: true }));
const path = (name: string): string => join(dir, name);

t.test("policies are those of tpm2-tools", async (t) => {
  const client = await boot(swtpm, BOOT);
  await client.dispose();
  const tool = (name: string, ...args: readonly string[]): Promise<string> => runTool(swtpm.tcti, name, ...args);
  await tool("tpm2_startauthsession", "-S", path("s.ctx"));
  await tool("tpm2_policypcr", "-S", path("s.ctx"), "-l", `sha256:${PCRS.join(",")}`, "-L", path("pcr.policy"));
  t.equal(toHex(await readFile(path("pcr.policy"))), toHex(approvedBoot));
  await tool("tpm2_flushcontext", path("s.ctx"));

  await writeFile(path("key.pub"), new ByteWriter().sized16be(key.publicArea).done());
  await tool("tpm2_loadexternal", "-C", "o", "-u", path("key.pub"), "-c", path("key.ctx"), "-n", path("key.name"));
  await tool("tpm2_readpublic", "-c", path("key.ctx"), "-f", "pem", "-o", path("key.pem"));
  t.same(createPublicKey(await readFile(path("key.pem"))).export({ format: "jwk" }), key.key.export({ format: "jwk" }));
  t.equal(toHex(await readFile(path("key.name"))), toHex(key.name), "the key's Name");
  await writeFile(path("ref"), REF);
  await writeFile(path("signature"), scope.approved[0]?.signature ?? "");
  await writeFile(path("message"), approvedMessage(approvedBoot, REF));
  await tool("tpm2_verifysignature", "-c", path("key.ctx"), "-g", "sha256", "-m", path("message"), "-s", path("signature"), "-f", "rsassa", "-t", path("ticket"));
  await tool("tpm2_flushcontext", "-t");
  await tool("tpm2_startauthsession", "--policy-session", "-S", path("p.ctx"));
  await tool("tpm2_policypcr", "-S", path("p.ctx"), "-l", `sha256:${PCRS.join(",")}`);
  await tool("tpm2_policyauthorize", "-S", path("p.ctx"), "-i", path("pcr.policy"), "-q", path("ref"), "-n", path("key.name"), "-t", path("ticket"), "-L", path("authorized"));
  t.equal(toHex(await readFile(path("authorized"))), toHex(policyAuthorizeDigest(key.name, REF)), "and what the TPM makes of its approval");
  await tool("tpm2_flushcontext", path("p.ctx"));
});

t.test("opened after a reboot and by the next release, and nothing of it is seen on the bus", async (t) => {
  let bus = "";
  const tapped: TpmTransport = {
    async send(command) {
      const response = await swtpm.transport.send(command);
      bus += toHex(command) + toHex(response);
      return response;
    },
  };
  const sealed = await (await boot(swtpm, BOOT, tapped)).seal(SECRET, scope);
  const client = await boot(swtpm, BOOT, tapped);
  t.same(await client.unseal(sealed, scope), SECRET);
  t.same(await client.unseal(sealed, scope), SECRET, "a second time in one boot");
  t.notOk(bus.includes(toHex(SECRET)), "encrypted both ways");
  t.ok(bus.length > 10_000);
  t.same(await client.getHandles("transient"), []);
  t.same(await client.getHandles("loadedSession"), [], "nothing is left in the TPM");

  const next = [...BOOT.slice(1), [4, "the next uki"] as const];
  const approved = [approve(key, policyPcrDigest(valuesOf(next)))];
  t.same(await (await boot(swtpm, next)).unseal(sealed, { ...scope, approved }), SECRET);
});

t.test("by nothing else", async (t) => {
  const sealed = await (await boot(swtpm, BOOT)).seal(SECRET, scope);
  const open = async (steps: readonly (readonly [number, string])[], changed: Partial<SealScope> = {}): Promise<Uint8Array> =>
    (await boot(swtpm, steps)).unseal(sealed, { ...scope, ...changed });
  t.same(await open(BOOT), SECRET, "the control");

  const not = (pcr: number, what: string): readonly (readonly [number, string])[] => BOOT.map((step) => (step[0] === pcr ? [pcr, what] : step));
  const refused: readonly [string, readonly (readonly [number, string])[]][] = [
    ["another program that db signed, which extends PCR 11 by itself", not(4, "shell")],
    ["Secure Boot off, and PCR 11 extended by hand", not(7, "secure boot off")],
    ["before the agent's word", BOOT.slice(0, -1)],
    ["after the closing word", [...BOOT, [11, "kubedos-admitted"]]],
    ["a failed boot", [...BOOT, [11, "kubedos-failed"]]],
    ["something handed to the stub", [...BOOT, [12, "credential"]]],
    ["a program before the UKI", [[4, "shell"], ...BOOT]],
  ];
  for (const [what, steps] of refused) await t.rejects(open(steps), { name: "SealError", code: "NOT_APPROVED" }, what);

  const other = makeKey();
  await t.rejects(open(BOOT, { approved: [approve(other, approvedBoot)] }), { code: "NOT_APPROVED" }, "approved by another key");
  await t.rejects(open(BOOT, { approved: [approve(key, approvedBoot, new Uint8Array(0))] }), { code: "NOT_APPROVED" }, "approved for another purpose");
  await t.rejects(open(BOOT, { approved: [] }), { code: "NOT_APPROVED" }, "a release without approvals");
  await t.rejects(open(BOOT, { key: other, approved: [approve(other, approvedBoot)] }), { code: "NOT_BORN_HERE" }, "a foreign cluster's image");
  const role = sha256(utf8("volumes of role worker"));
  await t.rejects(open(BOOT, { policyRef: role, approved: [approve(key, approvedBoot, role)] }), { code: "NOT_BORN_HERE" }, "another role's image");

  const elsewhere = await startSwtpm();
  t.teardown(() => elsewhere.stop());
  await t.rejects((await boot(elsewhere, BOOT)).unseal(sealed, scope), { code: "OTHER_TPM" }, "another TPM");
});

t.test("the TPM itself refuses what a program that skips our checks asks of it", async (t) => {
  const sealed = await (await boot(swtpm, BOOT)).seal(SECRET, scope);
  const lying = async (client: TpmClient): Promise<Uint8Array> => {
    // Reads the PCRs of the approved boot, whatever the TPM says.
    const reads = { readPcrs: () => Promise.resolve(valuesOf(BOOT)) };
    return Object.assign(client, reads).unseal(sealed, scope);
  };
  t.same(await lying(await boot(swtpm, BOOT)), SECRET, "the control");
  await t.rejects(lying(await boot(swtpm, [...BOOT, [11, "kubedos-admitted"]])), { code: "NOT_APPROVED", message: /while the secret/ });
});

t.test("an object that no approved boot made is somebody's bait", async (t) => {
  const client = await boot(swtpm, BOOT);
  const sealed = await client.seal(SECRET, scope);
  t.same(await client.unseal(sealed, scope), SECRET, "the control");

  // Whoever owns the machine boots a system of his own and seals a key that he knows, under our policy.
  const foreign = [[4, "his own system"]] as const;
  const his = makeKey();
  const forged = await (await boot(swtpm, foreign)).seal(utf8("a key that he knows"), { ...scope, approved: [approve(key, policyPcrDigest(valuesOf(foreign)))] });
  const back = await boot(swtpm, BOOT);
  const papers = { ...forged, birth: sealed.birth };
  await t.rejects(back.unseal(papers, scope), { code: "NOT_BORN_HERE" }, "his own creation data");
  await t.rejects(back.unseal({ ...papers, creationData: sealed.creationData }, scope), { code: "NOT_BORN_HERE" }, "the creation data of another object");
  await t.rejects(back.unseal({ ...papers, creationData: sealed.creationData, creationTicket: sealed.creationTicket }, scope), { code: "NOT_BORN_HERE" }, "and its ticket");
  const signedByHim = { ...forged, birth: approve(his, policyPcrDigest(valuesOf(foreign))) };
  await t.rejects(back.unseal(signedByHim, scope), { code: "NOT_BORN_HERE" }, "approved by himself");
  await t.rejects(back.unseal({ ...sealed, privateArea: forged.privateArea }, scope), { code: "OTHER_TPM" }, "halves of two objects");
  await t.rejects(back.unseal({ ...sealed, publicArea: sealed.publicArea.with(5, 0xff) }, scope), { code: "NOT_BORN_HERE" }, "other attributes");
  t.same(await back.unseal(sealed, scope), SECRET, "the true one opens all the same");
});

t.test("a boot that nobody approved seals nothing", async (t) => {
  const client = await boot(swtpm, [...BOOT, [12, "credential"]]);
  await t.rejects(client.seal(SECRET, scope), { code: "NOT_APPROVED" });
  t.ok(await (await boot(swtpm, BOOT)).seal(SECRET, scope));
});

t.test("a response that was changed on the bus is noticed", async (t) => {
  const sealed = await (await boot(swtpm, BOOT)).seal(SECRET, scope);
  const flip: TpmTransport = {
    async send(command) {
      const response = await swtpm.transport.send(command);
      const unseal = new DataView(command.buffer, command.byteOffset).getUint32(6) === 0x15e;
      return unseal ? response.with(20, (response[20] ?? 0) ^ 1) : response;
    },
  };
  await t.rejects((await boot(swtpm, BOOT, flip)).unseal(sealed, scope), { name: "TpmError", code: "MALFORMED" });
  t.same(await (await boot(swtpm, BOOT)).unseal(sealed, scope), SECRET, "the control");
});
