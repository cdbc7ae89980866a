import { randomBytes } from "node:crypto";
import { ALG } from "../../../proto/tpm/alg.ts";
import { attributesOf } from "../../../proto/tpm/attributes.ts";
import { makeCredential } from "../../../proto/tpm/credential.ts";
import { marshalPublic, nameOf } from "../../../proto/tpm/public.ts";
import { fromBase64 } from "../../../proto/wire/base64.ts";
import type { TestMachine } from "../../fakes/test-agent.ts";
import { loadExternal } from "../../swtpm/raw-commands.ts";
import { makeEccAk, signAs, type TestKey } from "../../swtpm/test-keys.ts";
import { puppetAttack } from "../puppet-attack.ts";
import type { HubAnswer, PuppetScene } from "../puppet-scene.ts";

const SCHEME = { name: "ecdsa", hash: ALG.SHA256 } as const;

/** The attestation key lies in the attacker's program: it would sign any PCR values. */
export const softwareAk = puppetAttack({
  name: "software-ak",
  title: "an attestation key made in software, introduced to the hub as the TPM's",
  ci: true,
  async act(scene) {
    const machine = await scene.boot();
    await scene.passes(machine);
    const { transport } = machine.tpm.swtpm;

    const posing = makeEccAk(SCHEME);
    const named = await loadExternal(transport, posing.publicArea, null);
    const opened = await activates(machine, named, posing.publicArea);
    await machine.tpm.client.flush(named);
    scene.prove("the TPM opens no credential for a key with a TPM's attributes that it doesn't hold", !opened.ok, opened.said);
    scene.refused("with such a key the secret can only be guessed", await attest(scene, machine, posing, null), "SECRET_WRONG");

    // The TPM does hold this one, because it doesn't claim to have been made in one.
    const honestAboutIt = withoutTpm(posing);
    const held = await loadExternal(transport, honestAboutIt.publicArea, scalarOf(posing));
    const can = await activates(machine, held, honestAboutIt.publicArea);
    scene.prove("a key that doesn't claim to be a TPM's opens credentials, loaded into the right TPM", can.ok, can.said);
    scene.refused("and the hub refuses it by its attributes", await attest(scene, machine, honestAboutIt, held), "AK_UNFIT");
    return await scene.outside("AK_UNFIT", machine);
  },
});

/** Says hello with this key as AK and signs in software what the TPM's own AK had quoted. */
async function attest(scene: PuppetScene, machine: TestMachine, ak: TestKey, handle: number | null): Promise<HubAnswer> {
  const { client, ek } = machine.tpm;
  const stream = scene.stream(machine);
  stream.hello(machine, { akPublic: Buffer.from(ak.publicArea) });
  const challenge = await stream.next("challenge", 60_000);
  const { credentialBlob, encryptedSecret } = challenge;
  const secret = handle === null ? new Uint8Array(randomBytes(32)) : await client.activateCredential({ ak: handle, ek, credentialBlob, encryptedSecret });
  const evidence = await stream.evidence(machine, challenge, { secret });
  const answer = await scene.submit(stream, { ...evidence, signature: Buffer.from(signAs(ak, new Uint8Array(evidence.quote), SCHEME)) });
  await scene.leave(stream, machine);
  return answer;
}

async function activates({ tpm: { client, ek } }: TestMachine, handle: number, publicArea: Uint8Array): Promise<{ readonly ok: boolean; readonly said: string }> {
  const secret = new Uint8Array(randomBytes(32));
  const credential = makeCredential({ ekPublic: ek.publicArea, akName: nameOf(publicArea), secret, entropy: (n) => new Uint8Array(randomBytes(n)) });
  try {
    const got = await client.activateCredential({ ak: handle, ek, ...credential });
    return { ok: Buffer.compare(got, secret) === 0, said: "the TPM gave the secret" };
  } catch (error) {
    return { ok: false, said: error instanceof Error ? error.message : String(error) };
  }
}

/** The same key without what only a TPM may say of a key. */
function withoutTpm({ key, privateKey }: TestKey): TestKey {
  const plain = { ...key, attributes: attributesOf("userWithAuth", "noDA", "sign") };
  return { key: plain, publicArea: marshalPublic(plain), privateKey };
}

function scalarOf({ privateKey }: TestKey): Uint8Array {
  const { d = "" } = privateKey.export({ format: "jwk" });
  return fromBase64(Buffer.from(d, "base64url").toString("base64"));
}
