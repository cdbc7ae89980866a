import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { overwrite } from "../../test/swtpm/mutations.ts";
import { startSwtpm } from "../../test/swtpm/start-swtpm.ts";
import { sha256, utf8 } from "../wire/bytes.ts";
import { fromHex, toHex } from "../wire/hex.ts";
import { ALG, type ShaAlg } from "./alg.ts";
import { ATTEST_QUOTE, parseAttest, TPM_GENERATED } from "./attest.ts";
import { TpmClient } from "./client.ts";
import { makeCredential } from "./credential.ts";
import { extend, pcrDigest, ZERO_PCR } from "./pcr.ts";
import { policySecretDigest } from "./policy.ts";
import { marshalPublic, nameOf, parsePublic, type TpmPublic } from "./public.ts";
import type { Scheme } from "./scheme.ts";
import { parseSignature, verifySignature } from "./signature.ts";
import { AK_TEMPLATES, EK_POLICY, EK_TEMPLATES } from "./templates.ts";

const entropy = (n: number): Uint8Array => new Uint8Array(randomBytes(n));
const ENDORSEMENT = fromHex("4000000b");

const swtpm = await startSwtpm();
t.teardown(() => swtpm.stop());
const client = new TpmClient(swtpm.transport);
await client.startup();
t.afterEach(() => client.dispose());

/** P-384 storage key after H-3, but with the policy that our session satisfies. */
const P384_EK: TpmPublic = {
  ...EK_TEMPLATES.ecc,
  type: "ecc",
  nameAlg: ALG.SHA384,
  authPolicy: policySecretDigest(ALG.SHA384, ENDORSEMENT),
  symmetric: { alg: "aes-cfb", bits: 256 },
  curve: "P-384",
  x: new Uint8Array(48),
  y: new Uint8Array(48),
};

t.test("the profile's policy is what PolicySecret computes", async (t) => {
  t.equal(toHex(EK_POLICY), toHex(policySecretDigest(ALG.SHA256, ENDORSEMENT)));
});

t.test("keys come out as the templates say, and the same each time", async (t) => {
  for (const [create, template] of [
    [() => client.createEk("rsa"), EK_TEMPLATES.rsa],
    [() => client.createEk("ecc"), EK_TEMPLATES.ecc],
    [() => client.createAk("rsa"), AK_TEMPLATES.rsa],
    [() => client.createAk(), AK_TEMPLATES.ecc],
  ] as const) {
    const [first, second] = [await create(), await create()];
    t.equal(toHex(first.publicArea), toHex(second.publicArea));
    t.equal(toHex(first.name), toHex(nameOf(first.publicArea)));
    const key = parsePublic(first.publicArea);
    const unique = template.type === "rsa" ? { modulus: template.modulus } : { x: template.x, y: template.y };
    t.equal(toHex(marshalPublic({ ...key, ...unique } as TpmPublic)), toHex(marshalPublic(template)), "only unique differs");
    const read = await client.readPublic(first);
    t.equal(toHex(read.publicArea), toHex(first.publicArea));
    await client.dispose();
  }
});

t.test("a credential opens in the TPM that it was made for", async (t) => {
  const eks = [() => client.createEk("ecc"), () => client.createEk("rsa"), () => client.createPrimary(P384_EK)];
  for (const createEk of eks) {
    for (const kind of ["ecc", "rsa"] as const) {
      const [ek, ak] = [await createEk(), await client.createAk(kind)];
      for (const bytes of [1, 16, 32]) {
        const secret = entropy(bytes);
        const credential = makeCredential({ ekPublic: ek.publicArea, akName: ak.name, secret, entropy });
        t.equal(toHex(await client.activateCredential({ ak, ek, ...credential })), toHex(secret));
      }
      await client.dispose();
    }
  }
  t.same(await client.getHandles("loadedSession"), [], "no session stays");
});

t.test("a credential for another AK, another EK, or with one bit changed does not open", async (t) => {
  const [ek, ak] = [await client.createEk("ecc"), await client.createAk()];
  const make = (ekPublic: Uint8Array, akName: Uint8Array): ReturnType<typeof makeCredential> =>
    makeCredential({ ekPublic, akName, secret: entropy(32), entropy });
  const good = make(ek.publicArea, ak.name);
  const last = ak.name.length - 1;
  const refused = { name: "TpmError", code: "REFUSED" };
  const otherName = make(ek.publicArea, overwrite(ak.name, last, (ak.name[last] ?? 0) ^ 1));
  await t.rejects(client.activateCredential({ ak, ek, ...otherName }), { ...refused, rcName: /TPM_RC_INTEGRITY/ });
  for (let i = 0; i < good.credentialBlob.length; i += 7) {
    const credentialBlob = overwrite(good.credentialBlob, i, (good.credentialBlob[i] ?? 0) ^ 1);
    await t.rejects(client.activateCredential({ ...good, ak, ek, credentialBlob }), refused);
  }
  await t.rejects(client.activateCredential({ ...good, ak, ek, encryptedSecret: good.encryptedSecret.subarray(1) }), refused);
  t.same(await client.getHandles("loadedSession"), [], "a failure leaves no session");

  const other = await startSwtpm();
  t.teardown(() => other.stop());
  const stranger = new TpmClient(other.transport);
  const strange = { ek: await stranger.createEk("ecc"), ak: await stranger.createAk() };
  t.not(toHex(strange.ek.publicArea), toHex(ek.publicArea));
  await t.rejects(stranger.activateCredential({ ...strange, ...good }), refused, "another TPM");
  t.equal((await client.activateCredential({ ak, ek, ...good })).length, 32);
});

t.test("quotes verify, say what was asked, and match the PCRs", async (t) => {
  const pcrs = [0, 1, 2, 3, 4, 5, 6, 7, 9, 11, 12, 13, 14];
  for (const kind of ["ecc", "rsa"] as const) {
    const ak = await client.createAk(kind);
    const extraData = entropy(32);
    const { quote, signature } = await client.quote({ ak, extraData, pcrs });
    t.ok(verifySignature(parsePublic(ak.publicArea), parseSignature(signature), quote));
    const attest = parseAttest(quote);
    t.match(attest, { magic: TPM_GENERATED, type: ATTEST_QUOTE });
    t.equal(toHex(attest.extraData), toHex(extraData));
    t.same(attest.quote?.selections, [{ hash: ALG.SHA256, pcrs }]);
    const values = await client.readPcrs(pcrs);
    t.equal(toHex(attest.quote?.digest ?? ZERO_PCR), toHex(pcrDigest(values.values())));
    t.ok(attest.clock.resetCount < 100, "an AK of the endorsement hierarchy shows the true count");
    t.equal(toHex(attest.qualifiedSigner), toHex((await client.readPublic(ak)).qualifiedName));
    await client.dispose();
  }
});

t.test("the digest of a quote has the hash of the key's scheme, whatever the bank", async (t) => {
  const cases: readonly (readonly [TpmPublic, Scheme])[] = [
    [AK_TEMPLATES.ecc, { name: "ecdsa", hash: ALG.SHA384 }],
    [AK_TEMPLATES.rsa, { name: "rsapss", hash: ALG.SHA256 }],
    [AK_TEMPLATES.rsa, { name: "rsapss", hash: ALG.SHA512 }],
    [AK_TEMPLATES.rsa, { name: "rsassa", hash: ALG.SHA384 }],
  ];
  for (const [template, scheme] of cases) {
    const ak = await client.createPrimary({ ...template, scheme } as TpmPublic);
    const { quote, signature } = await client.quote({ ak, extraData: entropy(20), pcrs: [0, 16] });
    t.ok(verifySignature(parsePublic(ak.publicArea), parseSignature(signature), quote), scheme.name);
    const values = await client.readPcrs([0, 16]);
    t.equal(toHex(parseAttest(quote).quote?.digest ?? ZERO_PCR), toHex(pcrDigest(values.values(), scheme.hash)));
    await client.dispose();
  }
});

t.test("P-384 quotes verify", async (t) => {
  const scheme = { name: "ecdsa", hash: ALG.SHA384 } as const;
  const ak = await client.createPrimary({ ...AK_TEMPLATES.ecc, scheme, curve: "P-384" } as TpmPublic);
  const { quote, signature } = await client.quote({ ak, extraData: entropy(32), pcrs: [7] });
  t.ok(verifySignature(parsePublic(ak.publicArea), parseSignature(signature), quote));
});

t.test("PCRs are extended as computed, all 24 can be read", async (t) => {
  const before = await client.readPcrs(Array.from({ length: 24 }, (_, i) => i));
  t.equal(before.size, 24);
  t.equal(toHex(before.get(17) ?? ZERO_PCR), "ff".repeat(32), "a DRTM PCR");
  const word = utf8("enter-initrd");
  const digests = await client.pcrEvent(11, word);
  const after = (await client.readPcrs([11])).get(11) ?? ZERO_PCR;
  t.equal(toHex(after), toHex(extend(before.get(11) ?? ZERO_PCR, sha256(word))));
  t.equal(digests.length, (await client.getBanks()).length, "one digest for each active bank");
  const names = new Map<ShaAlg, string>([[ALG.SHA1, "sha1"], [ALG.SHA256, "sha256"], [ALG.SHA384, "sha384"], [ALG.SHA512, "sha512"]]);
  for (const { hash, digest } of digests) {
    t.equal(toHex(digest), createHash(names.get(hash as ShaAlg) ?? "").update(word).digest("hex"));
  }
  await client.extendPcr(11, sha256(utf8("leave-initrd")));
  t.equal(toHex((await client.readPcrs([11])).get(11) ?? ZERO_PCR), toHex(extend(after, sha256(utf8("leave-initrd")))));
});

t.test("random bytes, algorithms, banks", async (t) => {
  const [a, b] = [await client.getRandom(100), await client.getRandom(100)];
  t.equal(a.length, 100);
  t.not(toHex(a), toHex(b));
  const algorithms = await client.getAlgorithms();
  for (const alg of [ALG.RSA, ALG.SHA256, ALG.AES, ALG.ECDSA, ALG.ECC, ALG.CFB]) t.ok(algorithms.includes(alg), `${alg}`);
  t.ok((await client.getBanks()).some((bank) => bank.hash === ALG.SHA256 && bank.pcrs.length === 24));
});

t.test("the TPM's refusals are named", async (t) => {
  const refused = { name: "TpmError", code: "REFUSED" };
  await t.rejects(client.flush(0x80000002), { ...refused, rcName: /TPM_RC_HANDLE/ });
  await t.rejects(client.readPublic(0x81000001), { ...refused, rcName: /TPM_RC_HANDLE/ });
  const ek = await client.createEk("ecc");
  await t.rejects(client.quote({ ak: ek, extraData: new Uint8Array(0), pcrs: [0] }), refused, "an EK doesn't sign");
  await t.rejects(client.extendPcr(17, ZERO_PCR), { ...refused, rcName: /TPM_RC_LOCALITY/ });
});

t.test("what an earlier process left behind can be flushed", async (t) => {
  const earlier = new TpmClient(swtpm.transport);
  for (let i = 0; i < 3; i++) await earlier.createAk();
  await t.rejects(client.createAk(), { code: "REFUSED", message: /TPM_RC_OBJECT_MEMORY/ });
  await client.flushStale();
  t.same(await client.getHandles("transient"), []);
  await client.createAk();
});

t.test("keys and reset count survive a restart with the same state", async (t) => {
  const stateDir = await mkdtemp(join(tmpdir(), "kubedos-state-"));
  t.teardown(() => rm(stateDir, { recursive: true, force: true }));
  const seen: { name: string; resetCount: number }[] = [];
  for (let i = 0; i < 2; i++) {
    const tpm = await startSwtpm({ stateDir });
    try {
      const again = new TpmClient(tpm.transport);
      const ak = await again.createAk();
      const { quote } = await again.quote({ ak, extraData: entropy(8), pcrs: [0] });
      seen.push({ name: toHex(ak.name), resetCount: parseAttest(quote).clock.resetCount });
    } finally {
      await tpm.stop();
    }
  }
  t.equal(seen[0]?.name, seen[1]?.name);
  t.ok((seen[1]?.resetCount ?? 0) > (seen[0]?.resetCount ?? 0), "a restart is a reset");
});
