import type { UnverifiedEvidence } from "../../hub/attest/types.ts";
import type { Asked } from "../fakes/evidence-case.ts";
import { randomBytes } from "node:crypto";
import { evidenceExtraData } from "../../proto/evidence/extra-data.ts";
import { QUOTED_PCRS } from "../../proto/evidence/limits.ts";
import type { HashAlg } from "../../proto/tpm/alg.ts";
import { TpmClient } from "../../proto/tpm/client.ts";
import type { LoadedKey } from "../../proto/tpm/commands/create-primary.ts";
import { makeCredential } from "../../proto/tpm/credential.ts";
import type { TpmPublic } from "../../proto/tpm/public.ts";
import { AK_TEMPLATES, type KeyKind } from "../../proto/tpm/templates.ts";
import { banksOf, measureFirmware, measureUserspace } from "./measure-initrd.ts";
import { startSwtpm, type Swtpm } from "./start-swtpm.ts";

/** What one answer is made of; each part may be another than the machine's own. */
export interface Answer {
  readonly challenge: Asked;
  readonly claims: Uint8Array;
  readonly firmwareLog: Uint8Array;
  readonly userspaceLog: Uint8Array;
}

/** A software TPM in the state that a boot leaves it in. */
export interface Machine {
  readonly swtpm: Swtpm;
  readonly client: TpmClient;
  readonly ek: LoadedKey;
  readonly ak: LoadedKey;
  /** Banks that its firmware measured into; its quotes cover them. */
  readonly banks: readonly HashAlg[];
  /** The same boot again, after the TPM was reset: the keys are the same, as they follow from the TPM's seed. */
  boot(): Promise<void>;
  /** Opens the challenge's credential and quotes. */
  answer(answer: Answer): Promise<UnverifiedEvidence>;
  stop(): Promise<void>;
}

/** The extraData that a quote for this answer has to carry. */
export function extraDataOf({ challenge, claims, firmwareLog, userspaceLog }: Answer): Uint8Array {
  return evidenceExtraData({ nonce: challenge.nonce, verifier: challenge.verifier, claims, firmwareLog, userspaceLog });
}

/** Starts swtpm, extends what both logs say into its PCRs 0–15, and makes EK and AK. */
export async function bootMachine(options: {
  readonly firmwareLog: Uint8Array;
  readonly userspaceLog: Uint8Array;
  readonly ek?: KeyKind;
  readonly ak?: TpmPublic;
  /** The TPM to boot on; without it a new one. Ended when this fails. */
  readonly swtpm?: Swtpm;
}): Promise<Machine> {
  const swtpm = options.swtpm ?? (await startSwtpm());
  try {
    const client = new TpmClient(swtpm.transport);
    const boot = async (): Promise<readonly [LoadedKey, LoadedKey]> => {
      await client.startup();
      await measureFirmware(client, options.firmwareLog);
      await measureUserspace(client, options.userspaceLog);
      return [await client.createEk(options.ek ?? "ecc"), await client.createPrimary(options.ak ?? AK_TEMPLATES.ecc)];
    };
    const [ek, ak] = await boot();
    const banks = banksOf(options.firmwareLog);
    return { swtpm, client, ek, ak, banks, boot: async () => void (await boot()), answer: (answer) => answerWith(client, { ek, ak, banks }, answer), stop: () => swtpm.stop() };
  } catch (cause) {
    await swtpm.stop();
    throw cause;
  }
}

/** Opens the challenge's credential with these keys and quotes these banks. */
export async function answerWith(client: TpmClient, { ek, ak, banks }: Pick<Machine, "ek" | "ak" | "banks">, answer: Answer): Promise<UnverifiedEvidence> {
  const { challenge, claims, firmwareLog, userspaceLog } = answer;
  const entropy = (n: number): Uint8Array => new Uint8Array(randomBytes(n));
  const credential = makeCredential({ ekPublic: ek.publicArea, akName: ak.name, secret: challenge.secret, entropy });
  const secret = await client.activateCredential({ ek, ak, ...credential });
  const { quote, signature } = await client.quote({ ak, extraData: extraDataOf(answer), pcrs: QUOTED_PCRS, banks });
  return { ekPublic: ek.publicArea, akPublic: ak.publicArea, secret, quote, signature, claims, firmwareLog, userspaceLog };
}
