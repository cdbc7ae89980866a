import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { failNode } from "../../agent/boot/fail-node.ts";
import { PATHS } from "../../agent/paths.ts";
import type { Files } from "../../agent/ports.ts";
import { createAttestor } from "../../agent/tpm/attestor.ts";
import { Measurer } from "../../agent/tpm/measurer.ts";
import { createTpmIdentity } from "../../agent/tpm/tpm-identity.ts";
import { judge } from "../../hub/attest/judge.ts";
import type { Verdict } from "../../hub/attest/types.ts";
import { isBankName } from "../../proto/eventlog/bank.ts";
import { encodeUserspaceRecord, parseUserspaceLog } from "../../proto/eventlog/userspace.ts";
import { FAILED_WORD } from "../../proto/evidence/limits.ts";
import { ALG, hashName, hashSize } from "../../proto/tpm/alg.ts";
import { parseAttest } from "../../proto/tpm/attest.ts";
import { TpmClient } from "../../proto/tpm/client.ts";
import { makeCredential } from "../../proto/tpm/credential.ts";
import { concatBytes } from "../../proto/wire/bytes.ts";
import { BOOT_ID, challengeFor, claimsOf, firmwareLog, knownOf, newChallenge, newSpki, releaseOf } from "../fakes/evidence-case.ts";
import { recordedLog } from "../fakes/log-case.ts";
import { encodeEventLog } from "../fakes/encode-event-log.ts";
import { runHost } from "../../builder/toolchain/run-host.ts";
import { measureInitrd } from "./measure-initrd.ts";
import { startSwtpm } from "./start-swtpm.ts";

t.setTimeout(120_000);

// P20 from the agent's code to the verdict, on TPMs whose banks were chosen by swtpm_setup as a hypervisor does.

const tls = newSpki();

/** The recorded boot's log as a firmware writes it that knows these banks alone. */
function logOf(banks: readonly string[]): Uint8Array {
  const kept = (_: unknown, i: number): boolean => banks.includes(recordedLog.banks[i]?.name ?? "");
  return encodeEventLog({ banks: recordedLog.banks.filter(kept), events: recordedLog.events.map((e) => ({ ...e, digests: e.digests.filter(kept) })) });
}

/** A TPM with these banks active, left by a firmware that filled `filled` of them, and the agent's own code on it. */
async function boot(active: readonly string[], filled = active) {
  const stateDir = await mkdtemp(join(tmpdir(), "kubedos-banks-"));
  t.teardown(() => rm(stateDir, { recursive: true, force: true }));
  await runHost(["swtpm_setup", "--tpm2", "--tpmstate", stateDir, "--pcr-banks", active.join(",")]);
  const swtpm = await startSwtpm({ stateDir });
  t.teardown(() => swtpm.stop());
  const tpm = new TpmClient(swtpm.transport);
  await tpm.startup();
  const log = logOf(filled);
  await measureInitrd(tpm, log);
  const written = new Map<string, Uint8Array>([[PATHS.firmwareLog, log]]);
  const files: Files = {
    read: async (path) => written.get(path) ?? null,
    write: async (path, data) => void written.set(path, data),
    list: async () => [],
    remove: async () => undefined,
    exists: async (path) => written.has(path),
  };
  const measurer = await Measurer.start(tpm, files, BOOT_ID);
  await measurer.reach("kubedos-agent");
  const identity = await createTpmIdentity(tpm);
  const claims = claimsOf(tls);
  /** Asks the agent and judges its answer; `more` are records of userspace that the agent doesn't know of. */
  const verdictOn = async (more: Uint8Array = new Uint8Array(0)): Promise<{ readonly verdict: Verdict; readonly banks: readonly string[]; readonly records: ReturnType<typeof parseUserspaceLog> }> => {
    const asked = newChallenge();
    const credential = makeCredential({ ekPublic: identity.ek.publicArea, akName: identity.ak.name, secret: asked.secret, entropy: (n) => new Uint8Array(randomBytes(n)) });
    const told: Pick<Measurer, "banks" | "withLogs"> = { banks: measurer.banks, withLogs: (job) => measurer.withLogs((logs) => job({ ...logs, userspaceLog: concatBytes(logs.userspaceLog, more) })) };
    const answer = await createAttestor(tpm, identity, told, claims).answer({ ...credential, nonce: asked.nonce, verifier: asked.verifier });
    const evidence = { ekPublic: identity.ek.publicArea, akPublic: identity.ak.publicArea, ...answer };
    const banks = (parseAttest(answer.quote).quote?.selections ?? []).map((s) => hashName(s.hash));
    return { verdict: judge(evidence, challengeFor(asked, evidence), knownOf(tls, [releaseOf(firmwareLog)])), banks, records: parseUserspaceLog(answer.userspaceLog) };
  };
  return { tpm, verdictOn };
}

const codeOf = (verdict: Verdict): string => (verdict.ok ? "ok" : `${verdict.code}: ${verdict.message}`);

for (const active of [["sha256"], ["sha256", "sha384"], ["sha1", "sha256"], ["sha1", "sha256", "sha384", "sha512"]]) {
  t.test(`a TPM with ${active.join(", ")}`, async (t) => {
    const { tpm, verdictOn } = await boot(active);
    const { verdict, banks, records } = await verdictOn();
    t.equal(codeOf(verdict), "ok");
    t.same(banks, ["sha256", ...active.filter((bank) => bank !== "sha256")], "one quote covers all of them");
    for (const { word, digests } of records) t.same([...digests.keys()].sort(), active.toSorted(), `${word} is told in each`);
    for (const bank of active.filter(isBankName)) {
      const hash = recordedLog.banks.find((b) => b.name === bank)?.id ?? ALG.SHA256;
      await tpm.extendBanks(9, [{ hash, digest: new Uint8Array(hashSize(hash)).fill(1) }]);
      t.match(codeOf((await verdictOn()).verdict), /^LOG_MISMATCH/, `${bank} extended behind the agent's back`);
    }
  });
}

t.test("a bank that is active and that the firmware doesn't fill", async (t) => {
  t.match(codeOf((await (await boot(["sha256", "sha384"], ["sha256"])).verdictOn()).verdict), /^BANK_UNLOGGED: .*sha384/);
});

t.test("a machine that gave itself up says so in every bank", async (t) => {
  const { tpm, verdictOn } = await boot(["sha256", "sha384"]);
  t.equal(codeOf((await verdictOn()).verdict), "ok");
  const ran: string[] = [];
  await failNode({ openTpm: async () => tpm, runner: { run: async (argv) => (ran.push(argv.join(" ")), "") }, log: { line: () => undefined } }, "a test");
  t.same(ran, ["systemctl poweroff -ff"]);
  t.match(codeOf((await verdictOn()).verdict), /^LOG_MISMATCH/, "no quote of this boot passes any more");
  const failed = encodeUserspaceRecord({ pcr: 11, word: FAILED_WORD, bootId: BOOT_ID, banks: ["sha256", "sha384"] });
  t.match(codeOf((await verdictOn(failed)).verdict), /^BOOT_FAILED/, "and told, it adds up in both");
});
