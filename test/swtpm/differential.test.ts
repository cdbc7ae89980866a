import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { ToolError } from "../../builder/toolchain/error.ts";
import { defaultCacheDir, ensureToolchain } from "../../builder/toolchain/ensure-toolchain.ts";
import { runHost } from "../../builder/toolchain/run-host.ts";
import { runTool } from "../../builder/toolchain/run-tool.ts";
import { judge } from "../../hub/attest/judge.ts";
import type { UnverifiedEvidence } from "../../hub/attest/types.ts";
import { QUOTED_PCRS } from "../../proto/evidence/limits.ts";
import { parseEventLog } from "../../proto/eventlog/event-log.ts";
import { ALG, type HashAlg, hashName, hashSize } from "../../proto/tpm/alg.ts";
import { marshalPcrSelections } from "../../proto/tpm/pcr-selection.ts";
import { ZERO_PCR } from "../../proto/tpm/pcr.ts";
import { parsePublic, publicKeyObject, type TpmPublic } from "../../proto/tpm/public.ts";
import { AK_TEMPLATES } from "../../proto/tpm/templates.ts";
import { concatBytes } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { encodeEventLog } from "../fakes/encode-event-log.ts";
import { type Asked, challengeFor, claimsOf, firmwareLog, knownOf, newChallenge, newSpki, releaseOf, userspaceLogOf, WORDS } from "../fakes/evidence-case.ts";
import { type BankPcrs, pcrsAfter } from "../fakes/soft-machine.ts";
import { type Answer, bootMachine, extraDataOf, type Machine } from "./boot-machine.ts";
import { toolPcrs } from "./tool-pcrs.ts";
import { certify, getTime, quoteAny, signForeign } from "./raw-commands.ts";

// The same evidence before our verdict and before tpm2_checkquote: of the pinned toolchain (5.7, which has the fixes of CVE-2024-29038 and
// CVE-2024-29039) and, for two kinds of key, of the host. Both get the key, the quote, the signature, the nonce that was asked for, and the PCR values that the
// logs add up to. Whatever one accepts and the other refuses is a finding, and has to stand in DIFFERENCES with its reason.

t.setTimeout(170_000);
const tls = newSpki();
const userspaceLog = userspaceLogOf(WORDS);
const good = { claims: claimsOf(tls), firmwareLog, userspaceLog };
const known = knownOf(tls, [releaseOf(firmwareLog)]);
const log = parseEventLog(firmwareLog);
/** All that swtpm has; the recorded log announces them. */
const BANKS = log.banks.map((bank) => bank.id);

const { ecc, rsa } = AK_TEMPLATES;
if (ecc.type !== "ecc" || rsa.type !== "rsa") throw new Error("the templates are others");
const KINDS: readonly (readonly [string, TpmPublic])[] = [
  ["P-256 ECDSA SHA-256", ecc],
  ["P-256 ECDSA SHA-384", { ...AK_TEMPLATES.ecc, scheme: { name: "ecdsa", hash: ALG.SHA384 } }],
  ["P-384 ECDSA SHA-256", { ...ecc, curve: "P-384" }],
  ["P-384 ECDSA SHA-384", { ...ecc, curve: "P-384", scheme: { name: "ecdsa", hash: ALG.SHA384 } }],
  ["RSA-2048 RSASSA SHA-256", rsa],
  ["RSA-2048 RSASSA SHA-384", { ...AK_TEMPLATES.rsa, scheme: { name: "rsassa", hash: ALG.SHA384 } }],
  ["RSA-2048 RSAPSS SHA-256", { ...AK_TEMPLATES.rsa, scheme: { name: "rsapss", hash: ALG.SHA256 } }],
  ["RSA-2048 RSAPSS SHA-384", { ...AK_TEMPLATES.rsa, scheme: { name: "rsapss", hash: ALG.SHA384 } }],
  ["RSA-3072 RSASSA SHA-256", { ...rsa, keyBits: 3072 }],
  ["RSA-3072 RSAPSS SHA-384", { ...rsa, keyBits: 3072, scheme: { name: "rsapss", hash: ALG.SHA384 } }],
];
/** Kinds that the host's own tool judges too. */
const ON_HOST: readonly string[] = ["P-256 ECDSA SHA-256", "RSA-2048 RSASSA SHA-256"];

/** What both verifiers get. */
interface Case {
  readonly evidence: UnverifiedEvidence;
  /** What was asked; the quote has to carry what follows from it and the evidence. */
  readonly asked: Asked;
  /** PCR values for the tool, where they aren't those that the logs add up to. */
  readonly pcrs?: ReadonlyMap<HashAlg, BankPcrs>;
}
type Spoil = (e: UnverifiedEvidence, asked: Asked, m: Machine, answer: (changes: Partial<Answer>) => Promise<UnverifiedEvidence>) => Promise<Partial<Case>> | Partial<Case>;

const evidenceOf = (e: UnverifiedEvidence, changes: Partial<UnverifiedEvidence>): Partial<Case> => ({ evidence: { ...e, ...changes } });
const flipped = (data: Uint8Array, at: number): Uint8Array => data.with(at < 0 ? data.length + at : at, (data.at(at) ?? 0) ^ 1);
/** A quote over these PCRs of each of these banks. */
const over = (pcrs: readonly number[], ...banks: readonly HashAlg[]): Spoil => async (e, asked, m) => {
  const selection = marshalPcrSelections(banks.map((hash) => ({ hash, pcrs })));
  return evidenceOf(e, await quoteAny(m.swtpm.transport, m.ak.handle, extraDataOf({ challenge: asked, ...good }), selection));
};

const CASES: readonly (readonly [string, Spoil])[] = [
  ["the genuine quote", () => ({})],
  ["another nonce", () => ({ asked: newChallenge() })],
  ["one event's digest changed, bound by the quote", async (_, __, ___, answer) => {
    const events = log.events.map((event, i) => (i === 5 ? { ...event, digests: event.digests.map((d) => flipped(d, 0)) } : event));
    return { evidence: await answer({ firmwareLog: encodeEventLog({ banks: log.banks, events }) }) };
  }],
  ["the userspace log left out, bound by the quote", async (_, __, ___, answer) => ({ evidence: await answer({ userspaceLog: new Uint8Array(0) }) })],
  ["first bit of the signature's number", (e) => evidenceOf(e, { signature: flipped(e.signature, 6) })],
  ["last bit of the signature", (e) => evidenceOf(e, { signature: flipped(e.signature, -1) })],
  ["last bit of the quoted PCR digest", (e) => evidenceOf(e, { quote: flipped(e.quote, -1) })],
  ["a bit of the clock", (e) => evidenceOf(e, { quote: flipped(e.quote, e.quote.length - 80) })],
  ["another key of the same kind", async (e, _, m) => {
    const template = parsePublic(m.ak.publicArea);
    const unique = template.type === "ecc" ? { ...template, x: new Uint8Array([1]), y: new Uint8Array(0) } : { ...template, modulus: new Uint8Array([1]) };
    const other = await m.client.createPrimary(unique);
    await m.client.flush(other);
    return evidenceOf(e, { akPublic: other.publicArea });
  }],
  ["the quote cut by a byte", (e) => evidenceOf(e, { quote: e.quote.subarray(0, -1) })],
  ["the signature cut by a byte", (e) => evidenceOf(e, { signature: e.signature.subarray(0, -1) })],
  ["half of the quote", (e) => evidenceOf(e, { quote: e.quote.subarray(0, e.quote.length >> 1) })],
  ["no signature", (e) => evidenceOf(e, { signature: new Uint8Array(0) })],
  ["a byte behind the quote", (e) => evidenceOf(e, { quote: concatBytes(e.quote, new Uint8Array(1)) })],
  ["a byte behind the signature", (e) => evidenceOf(e, { signature: concatBytes(e.signature, new Uint8Array(1)) })],
  ["the signature under another scheme", (e) => evidenceOf(e, { signature: e.signature.with(1, e.signature[1] === ALG.RSASSA ? ALG.RSAPSS : ALG.RSASSA) })],
  ["the signature of the next quote", async (e, _, __, answer) => evidenceOf(e, { signature: (await answer({})).signature })],
  ["TPM2_GetTime by the same key", async (e, asked, m) => evidenceOf(e, await getTime(m.swtpm.transport, m.ak.handle, extraDataOf({ challenge: asked, ...good })))],
  ["TPM2_Certify by the same key", async (e, asked, m) => evidenceOf(e, await certify(m.swtpm.transport, m.ak.handle, m.ak.handle, extraDataOf({ challenge: asked, ...good })))],
  ["bytes with another magic, signed by the same key (CVE-2024-29038)", async (e, _, m) => {
    const quote = flipped(e.quote, 0);
    const { scheme } = parsePublic(e.akPublic);
    return evidenceOf(e, { quote, signature: await signForeign(m.swtpm.transport, m.ak.handle, quote, scheme?.hash) });
  }],
  ["a quote over PCRs 15, 16 and 22", over([15, 16, 22], ALG.SHA256)],
  ["a resettable PCR in PCR 7's place, under its number (CVE-2024-29039)", async (e, asked, m) => {
    const quoted = [...QUOTED_PCRS.filter((pcr) => pcr !== 7), 16];
    const values = [...(await m.client.readPcrs(quoted)).values()];
    const { evidence = e } = await over(quoted, ALG.SHA256)(e, asked, m, () => Promise.resolve(e));
    return { evidence, pcrs: new Map([[ALG.SHA256, new Map(QUOTED_PCRS.map((pcr, i) => [pcr, values[i] ?? ZERO_PCR]))]]) };
  }],
  ["a quote over one PCR less", over(QUOTED_PCRS.slice(0, -1), ...BANKS)],
  ["a quote over the SHA-1 bank", over(QUOTED_PCRS, ALG.SHA1)],
  ["a quote over the SHA-256 bank, others being announced", over(QUOTED_PCRS, ALG.SHA256)],
  ["a quote without the SHA-384 bank, which is announced", over(QUOTED_PCRS, ...BANKS.filter((bank) => bank !== ALG.SHA384))],
  ["SHA-384 extended by somebody else, then quoted with the others", async (_, __, m, answer) => {
    await m.client.extendBanks(9, [{ hash: ALG.SHA384, digest: new Uint8Array(48).fill(7) }]);
    return { evidence: await answer({}) };
  }],
];

/** Where we refuse and tpm2_checkquote 5.7 accepts, by case; never the other way round. */
const DIFFERENCES: Readonly<Record<string, string>> = {
  "a byte behind the signature": "the tool doesn't look whether the file ends where the signature does",
  "the signature under another scheme": "for an RSA key the tool tries both paddings and doesn't hold the one that fits against the name in the signature",
};

const dir = await mkdtemp(join(tmpdir(), "kubedos-differential-"));
t.teardown(() => rm(dir, { recursive: true, force: true }));
const toolchain = await ensureToolchain(defaultCacheDir, () => undefined);
const ENV = { TPM2TOOLS_TCTI: "none" };
type Tool = (argv: readonly string[]) => Promise<unknown>;
const pinned: Tool = (args) => runTool(toolchain, ["tpm2_checkquote", ...args], { readBinds: [dir], env: ENV });
const host: Tool = (args) => runHost(["tpm2_checkquote", ...args], { env: ENV });

let files = 0;
/** Whether tpm2_checkquote accepts the evidence. */
async function accepts(tool: Tool, { evidence, asked, pcrs: told }: Case): Promise<boolean> {
  const path = join(dir, String(files++));
  const key = parsePublic(evidence.akPublic);
  const pcrs = told ?? pcrsAfter(evidence.firmwareLog, evidence.userspaceLog);
  await Promise.all([
    writeFile(`${path}.pem`, publicKeyObject(key).export({ type: "spki", format: "pem" })),
    writeFile(`${path}.quote`, evidence.quote),
    writeFile(`${path}.sig`, evidence.signature),
    writeFile(`${path}.pcrs`, toolPcrs(new Map([...pcrs].map(([bank, values]) => [bank, new Map(QUOTED_PCRS.map((pcr) => [pcr, values.get(pcr) ?? new Uint8Array(hashSize(bank))]))])))),
  ]);
  const asks = ["-g", hashName(key.scheme?.hash ?? ALG.SHA256), "-q", toHex(extraDataOf({ challenge: asked, ...evidence }))];
  try {
    await tool(["-u", `${path}.pem`, "-m", `${path}.quote`, "-s", `${path}.sig`, "-f", `${path}.pcrs`, ...asks]);
    return true;
  } catch (error) {
    if (error instanceof ToolError && error.code === "FAILED") return false;
    throw error;
  }
}

/** One line of the table. */
async function compare(t: Tap, kind: string, name: string, both: Case): Promise<void> {
  // The secret is part of what was asked, and no part of a quote.
  const verdict = judge({ ...both.evidence, secret: both.asked.secret }, challengeFor(both.asked, both.evidence), known);
  const [theirs, older] = await Promise.all([accepts(pinned, both), ON_HOST.includes(kind) ? accepts(host, both) : null]);
  t.ok(verdict.ok === theirs || (!verdict.ok && DIFFERENCES[name] !== undefined), name);
  if (older !== null) t.ok(older || !verdict.ok, `${name}: we accept nothing that the host's tool refuses`);
  t.equal(verdict.ok, name === CASES[0]?.[0], `${name}: the genuine quote passes and nothing else does`);
  t.comment(`${kind.padEnd(24)} ${name.padEnd(68)} we: ${word(verdict.ok)}, 5.7: ${word(theirs)}${older === null ? "" : `, host: ${word(older)}`}${verdict.ok ? "" : `  ${verdict.code}`}`);
}
type Tap = { ok(value: unknown, message: string): unknown; equal(found: unknown, wanted: unknown, message: string): unknown; comment(text: string): unknown };

const word = (accepted: boolean): string => (accepted ? "yes" : "no");

t.test("the tool of the toolchain has the fixes", async (t) => {
  const { stdout } = await runTool(toolchain, ["tpm2_checkquote", "--version"]);
  const [major = 0, minor = 0] = (/version="(\d+)\.(\d+)/.exec(stdout) ?? []).slice(1).map(Number);
  t.ok(major > 5 || (major === 5 && minor >= 7), stdout);
});

for (const [kind, ak] of KINDS) {
  t.test(kind, async (t) => {
    const m = await bootMachine({ ...good, ak });
    t.teardown(() => m.stop());
    const lines: Promise<void>[] = [];
    for (const [name, spoil] of CASES) {
      const asked = newChallenge();
      const answer = (changes: Partial<Answer>): Promise<UnverifiedEvidence> => m.answer({ challenge: asked, ...good, ...changes });
      const evidence = await answer({});
      lines.push(compare(t, kind, name, { evidence, asked, ...(await spoil(evidence, asked, m, answer)) }));
    }
    await Promise.all(lines);
  });
}
