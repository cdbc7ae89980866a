import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { overwrite } from "../../test/swtpm/mutations.ts";
import { runTool } from "../../test/swtpm/run-tool.ts";
import { startSwtpm } from "../../test/swtpm/start-swtpm.ts";
import { concatBytes } from "../wire/bytes.ts";
import { toHex } from "../wire/hex.ts";
import { ByteReader } from "../wire/reader.ts";
import { ByteWriter } from "../wire/writer.ts";
import { ALG } from "./alg.ts";
import { parseAttest } from "./attest.ts";
import { TpmClient } from "./client.ts";
import { type Credential, makeCredential } from "./credential.ts";
import { nameOf, parsePublic, publicKeyObject, type TpmPublic } from "./public.ts";
import { parseSignature, verifySignature } from "./signature.ts";
import { AK_TEMPLATES } from "./templates.ts";

const entropy = (n: number): Uint8Array => new Uint8Array(randomBytes(n));
const sized = (data: Uint8Array): Uint8Array => new ByteWriter().sized16be(data).done();
/** Head of tpm2-tools' credential files: magic and version. */
const FILE_HEAD = Uint8Array.of(0xba, 0xdc, 0xc0, 0xde, 0, 0, 0, 1);

const swtpm = await startSwtpm();
const dir = await mkdtemp(join(tmpdir(), "kubedos-tools-"));
t.teardown(() => swtpm.stop());
t.teardown(() => rm(dir, { recursive: true, force: true }));
const client = new TpmClient(swtpm.transport);
await client.startup();
const path = (name: string): string => join(dir, name);
const read = async (name: string): Promise<Uint8Array> => new Uint8Array(await readFile(path(name)));
const tool = (name: string, ...args: readonly string[]): Promise<string> => runTool(swtpm.tcti, name, ...args);

function readSizedFile(data: Uint8Array): Uint8Array {
  const r = new ByteReader(data);
  const content = r.sized16be(0xffff);
  r.end();
  return content;
}

/** EK and AK of tpm2-tools' own making, as files. */
async function makeToolKeys(kind: "rsa" | "ecc"): Promise<{ ek: Uint8Array; ak: Uint8Array; akName: Uint8Array }> {
  await tool("tpm2_createek", "-G", kind, "-c", path("ek.ctx"), "-u", path("ek.pub"));
  await tool("tpm2_flushcontext", "-t");
  const scheme = kind === "rsa" ? "rsassa" : "ecdsa";
  await tool("tpm2_createak", "-C", path("ek.ctx"), "-c", path("ak.ctx"), "-G", kind, "-g", "sha256", "-s", scheme, "-u", path("ak.pub"), "-n", path("ak.name"));
  await tool("tpm2_flushcontext", "-t");
  return { ek: readSizedFile(await read("ek.pub")), ak: readSizedFile(await read("ak.pub")), akName: await read("ak.name") };
}

for (const kind of ["rsa", "ecc"] as const) {
  t.test(`${kind}: our EK is the tools' EK, and their Names are ours`, async (t) => {
    const keys = await makeToolKeys(kind);
    const ek = await client.createEk(kind);
    t.equal(toHex(ek.publicArea), toHex(keys.ek), "the profile's template");
    await client.dispose();
    t.equal(toHex(nameOf(keys.ak)), toHex(keys.akName));
    const printed = await tool("tpm2_readpublic", "-c", path("ak.ctx"), "-f", "pem", "-o", path("ak.pem"));
    t.match(printed, new RegExp(`name: ${toHex(nameOf(keys.ak))}`));
    t.equal(publicKeyObject(parsePublic(keys.ak)).export({ type: "spki", format: "pem" }), Buffer.from(await read("ak.pem")).toString());
    await tool("tpm2_flushcontext", "-t");
  });

  t.test(`${kind}: tpm2_activatecredential opens what we made`, async (t) => {
    const { ek, ak } = await makeToolKeys(kind);
    const secret = entropy(32);
    const made = makeCredential({ ekPublic: ek, akName: nameOf(ak), secret, entropy });
    await writeFile(path("cred"), concatBytes(FILE_HEAD, sized(made.credentialBlob), sized(made.encryptedSecret)));
    await tool("tpm2_startauthsession", "--policy-session", "-S", path("session"));
    await tool("tpm2_policysecret", "-S", path("session"), "-c", "e");
    await tool("tpm2_activatecredential", "-c", path("ak.ctx"), "-C", path("ek.ctx"), "-i", path("cred"), "-o", path("secret"), "-P", `session:${path("session")}`);
    await tool("tpm2_flushcontext", path("session"));
    t.equal(toHex(await read("secret")), toHex(secret));
    await tool("tpm2_flushcontext", "-t");
  });

  t.test(`${kind}: we open what tpm2_makecredential made`, async (t) => {
    const [ek, ak] = [await client.createEk(kind), await client.createAk(kind)];
    const secret = entropy(24);
    await writeFile(path("our-ek.pub"), sized(ek.publicArea));
    await writeFile(path("plain"), secret);
    await tool("tpm2_makecredential", "-u", path("our-ek.pub"), "-s", path("plain"), "-n", toHex(ak.name), "-o", path("made"));
    const credential = readCredentialFile(await read("made"));
    t.equal(toHex(await client.activateCredential({ ak, ek, ...credential })), toHex(secret));
    await client.dispose();
  });

  t.test(`${kind}: tpm2_checkquote accepts our quote, and refuses it with another nonce`, async (t) => {
    const ak = await client.createAk(kind);
    const extraData = entropy(32);
    const { quote, signature } = await client.quote({ ak, extraData, pcrs: [0, 7, 11] });
    const pem = publicKeyObject(parsePublic(ak.publicArea)).export({ type: "spki", format: "pem" });
    await writeFile(path("our-ak.pem"), pem);
    await writeFile(path("quote"), quote);
    await writeFile(path("sig"), signature);
    await writeFile(path("values"), concatBytes(...(await client.readPcrs([0, 7, 11])).values()));
    const files = ["-u", path("our-ak.pem"), "-m", path("quote"), "-s", path("sig"), "-f", path("values")];
    const check = (nonce: Uint8Array): Promise<string> =>
      tool("tpm2_checkquote", ...files, "-l", "sha256:0,7,11", "-g", "sha256", "-q", toHex(nonce));
    t.match(await check(extraData), /sig: /);
    await t.rejects(check(overwrite(extraData, 0, (extraData[0] ?? 0) ^ 1)));
    await writeFile(path("values"), new Uint8Array(96).fill(1));
    await t.rejects(check(extraData), "the tool did look at the PCRs");
    await client.dispose();
  });

  t.test(`${kind}: we read the quote of tpm2_quote as tpm2_print does`, async (t) => {
    const { ak } = await makeToolKeys(kind);
    await tool("tpm2_quote", "-c", path("ak.ctx"), "-l", "sha256:0,4,23", "-q", "0011223344556677", "-m", path("q"), "-s", path("s"));
    await tool("tpm2_flushcontext", "-t");
    const quote = await read("q");
    t.ok(verifySignature(parsePublic(ak), parseSignature(await read("s")), quote));
    const a = parseAttest(quote);
    t.equal(toHex(a.extraData), "0011223344556677");
    t.same(a.quote?.selections, [{ hash: ALG.SHA256, pcrs: [0, 4, 23] }]);
    const printed = await tool("tpm2_print", "-t", "TPMS_ATTEST", path("q"));
    t.match(printed, `qualifiedSigner: ${toHex(a.qualifiedSigner)}`);
    t.match(printed, `clock: ${a.clock.clock}`);
    t.match(printed, `resetCount: ${a.clock.resetCount}`);
    t.match(printed, `restartCount: ${a.clock.restartCount}`);
    t.match(printed, `safe: ${a.clock.safe ? 1 : 0}`);
    t.match(printed, `pcrDigest: ${toHex(a.quote?.digest ?? quote)}`);
  });
}

for (const [name, algorithm, hash] of [
  ["RSA-2048", "rsa2048:aes128cfb", "sha256"],
  ["RSA-3072", "rsa3072:aes256cfb", "sha384"],
  ["P-256", "ecc256:aes128cfb", "sha256"],
  ["P-384", "ecc384:aes256cfb", "sha384"],
  ["P-384 with SHA-256", "ecc384:aes128cfb", "sha256"],
] as const) {
  t.test(`tpm2_activatecredential opens what we made for an EK of ${name}, and nothing that was changed`, async (t) => {
    const { ak, akName } = await makeToolKeys("ecc");
    const attributes = "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|decrypt";
    await tool("tpm2_createprimary", "-C", "e", "-G", algorithm, "-g", hash, "-a", attributes, "-c", path("other.ctx"));
    await tool("tpm2_flushcontext", "-t");
    await tool("tpm2_readpublic", "-c", path("other.ctx"), "-f", "tss", "-o", path("other.pub"));
    await tool("tpm2_flushcontext", "-t");
    const ekPublic = readSizedFile(await read("other.pub"));
    const secret = entropy(32);
    const made = makeCredential({ ekPublic, akName: nameOf(ak), secret, entropy });
    t.equal(toHex(nameOf(ak)), toHex(akName));
    const open = async ({ credentialBlob, encryptedSecret }: Credential): Promise<string> => {
      await writeFile(path("cred"), concatBytes(FILE_HEAD, sized(credentialBlob), sized(encryptedSecret)));
      try {
        await tool("tpm2_activatecredential", "-c", path("ak.ctx"), "-C", path("other.ctx"), "-i", path("cred"), "-o", path("secret"));
      } finally {
        await tool("tpm2_flushcontext", "-t");
      }
      return toHex(await read("secret"));
    };
    t.equal(await open(made), toHex(secret));
    const blob = made.credentialBlob;
    await t.rejects(open({ ...made, credentialBlob: overwrite(blob, blob.length - 1, (blob.at(-1) ?? 0) ^ 1) }), "a bit of the credential");
    await t.rejects(open(makeCredential({ ekPublic, akName: nameOf(ekPublic), secret, entropy })), "made for another key's Name");
    await t.rejects(open({ ...made, encryptedSecret: makeCredential({ ekPublic, akName: nameOf(ak), secret, entropy }).encryptedSecret }), "another credential's seed");
  });
}

t.test("TPM2_Certify and TPM2_GetTime of an AK verify, and are no quotes", async (t) => {
  await makeToolKeys("ecc");
  await tool("tpm2_certify", "-C", path("ak.ctx"), "-c", path("ak.ctx"), "-g", "sha256", "-o", path("certify"), "-s", path("certify.sig"));
  await tool("tpm2_flushcontext", "-t");
  await tool("tpm2_gettime", "-c", path("ak.ctx"), "--attestation", path("time"), "-o", path("time.sig"));
  await tool("tpm2_flushcontext", "-t");
  const ak = parsePublic(readSizedFile(await read("ak.pub")));
  for (const [name, type] of [["certify", 0x8017], ["time", 0x8019]] as const) {
    const body = await read(name);
    t.ok(verifySignature(ak, parseSignature(await read(`${name}.sig`)), body), "a genuine signature of the AK");
    t.equal(parseAttest(body).type, type);
    t.equal(parseAttest(body).quote, undefined);
  }
});

t.test("PCRs read as tpm2_pcrread does, and events as tpm2_pcrevent", async (t) => {
  await client.pcrEvent(16, entropy(1024));
  await writeFile(path("event"), "kubedos");
  await tool("tpm2_pcrevent", "16", path("event"));
  const value = (await client.readPcrs([16])).get(16);
  t.match((await tool("tpm2_pcrread", "sha256:16")).toLowerCase(), `0x${toHex(value ?? new Uint8Array())}`);
});

t.test("a restricted key without a scheme of its own is not made", async (t) => {
  await t.rejects(client.createPrimary({ ...AK_TEMPLATES.ecc, scheme: null } as TpmPublic), { code: "REFUSED", rcName: /SCHEME/ });
});

function readCredentialFile(data: Uint8Array): Credential {
  const r = new ByteReader(data);
  r.bytes(FILE_HEAD.length);
  const credential = { credentialBlob: r.sized16be(1024), encryptedSecret: r.sized16be(1024) };
  r.end();
  return credential;
}
