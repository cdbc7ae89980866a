import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { createTpmIdentity } from "../../agent/tpm/tpm-identity.ts";
import { stampGuest } from "../../builder/deploy/stamp.ts";
import { guestPaths } from "../../builder/guest/start-guest.ts";
import { startSwtpm } from "../../builder/guest/swtpm.ts";
import { tpmSocket } from "../../builder/guest/tpm-socket.ts";
import { defaultCacheDir, ensureToolchain } from "../../builder/toolchain/ensure-toolchain.ts";
import { ALG } from "../../proto/tpm/alg.ts";
import { TpmClient } from "../../proto/tpm/client.ts";
import { chooseEk, createChosenEk, EK_CERTIFICATE_INDEX } from "../../proto/tpm/ek-choice.ts";
import { NV_ATTRIBUTE } from "../../proto/tpm/nv-attributes.ts";
import { nameOf } from "../../proto/tpm/public.ts";
import type { KeyKind } from "../../proto/tpm/templates.ts";
import { TpmError } from "../../proto/tpm/tpm-error.ts";
import { utf8 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";

// Who stamps a machine and the agent on it must know its TPM by the same EK: the one that the maker certified.

const dir = await mkdtemp(join(tmpdir(), "kubedos-ek-choice-"));
t.teardown(() => rm(dir, { recursive: true, force: true }));
const tc = await ensureToolchain(defaultCacheDir, () => undefined);

/** Runs `work` on the guest's vTPM, as it lies in its folder. */
async function withTpm<T>(guest: string, work: (tpm: TpmClient) => Promise<T>): Promise<T> {
  const swtpm = await startSwtpm(tc, { stateDir: guestPaths(guest).tpmState, mode: "direct", socket: join(guest, "test.sock"), logFile: join(guest, "test.log") });
  try {
    const tpm = new TpmClient(tpmSocket(swtpm.socket));
    await tpm.startup();
    return await work(tpm);
  } finally {
    await swtpm.stop();
  }
}

const certificate = utf8("what a maker would have signed");
const CASES: readonly (readonly [name: string, certified: readonly KeyKind[], chosen: KeyKind])[] = [
  ["no certificate", [], "ecc"],
  ["for the P-256 EK alone", ["ecc"], "ecc"],
  ["for the RSA EK alone", ["rsa"], "rsa"],
  ["for both", ["rsa", "ecc"], "ecc"],
];

for (const [i, [name, certified, chosen]] of CASES.entries()) {
  t.test(`certificates in NV: ${name}`, async (t) => {
    const guest = join(dir, `g${i}`);
    await stampGuest(tc, guest);
    const named = await withTpm(guest, async (tpm) => {
      for (const kind of certified) {
        const { OWNERWRITE, OWNERREAD, AUTHREAD } = NV_ATTRIBUTE;
        await tpm.defineNv({ index: EK_CERTIFICATE_INDEX[kind], attributes: OWNERWRITE | OWNERREAD | AUTHREAD, size: certificate.length });
        await tpm.writeNv(EK_CERTIFICATE_INDEX[kind], certificate);
      }
      return toHex(nameOf((await tpm.createEk(chosen)).publicArea));
    });
    t.equal(await stampGuest(tc, guest), named, `stamped by its ${chosen} EK`);
    const { identity, banks } = await withTpm(guest, async (tpm) => ({ identity: await createTpmIdentity(tpm), banks: await tpm.getBanks() }));
    t.equal(identity.ekName, named, "and the agent's is the same");
    t.same(identity.ekCertificate.certificate, certified.length === 0 ? new Uint8Array(0) : certificate, "with the certificate that is about it");
    t.same(banks.map((b) => b.hash), [ALG.SHA256], "a stamped TPM has the SHA-256 bank alone");
  });
}

t.test("which EK, from the indexes that a TPM has", async (t) => {
  t.equal(chooseEk([0x01c00003, 0x01c00100, 0x01806b64]), "ecc", "others say nothing");
  t.equal(chooseEk([0x01c00012]), "ecc", "a certificate for another template isn't about our RSA EK");
  const tpm = (ecc: () => Promise<never>, handles: () => Promise<readonly number[]> = async () => []) => ({ getHandles: handles, createEk: async (kind: KeyKind) => (kind === "ecc" ? await ecc() : { handle: 2, publicArea: new Uint8Array(0), name: new Uint8Array(0) }) });
  t.match(await createChosenEk(tpm(async () => Promise.reject(new TpmError("REFUSED", "no such curve")))), { handle: 2 }, "RSA where the TPM has no P-256");
  await t.rejects(createChosenEk(tpm(async () => Promise.reject(new Error("the socket broke")))), /socket/, "a TPM that doesn't answer gets no other name by it");
  await t.rejects(createChosenEk(tpm(async () => Promise.reject(new Error("unused")), async () => Promise.reject(new Error("no list")))), /no list/);
});
