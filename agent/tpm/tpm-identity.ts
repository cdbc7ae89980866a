import { createChosenEk } from "../../proto/tpm/ek-choice.ts";
import { nameOf, parsePublic } from "../../proto/tpm/public.ts";
import { toHex } from "../../proto/wire/hex.ts";
import type { AgentTpm } from "./agent-tpm.ts";
import { type EkCertificateNv, readEkCertificate } from "./ek-certificate.ts";

type Ek = Awaited<ReturnType<AgentTpm["createEk"]>>;
type Ak = Awaited<ReturnType<AgentTpm["createAk"]>>;

/** The two keys by which a TPM is known. Both follow from its seed, so a restart finds the same ones. */
export interface TpmIdentity {
  readonly ek: Ek;
  readonly ak: Ak;
  /** Name of the EK (000b ‖ SHA-256), hex: what an operator compares. */
  readonly ekName: string;
  /** What vouches for the EK, where the TPM's maker gave it something. */
  readonly ekCertificate: EkCertificateNv;
}

/** Loads the EK that the maker certified (proto/tpm/ek-choice.ts) and the AK, both under the endorsement hierarchy. */
export async function createTpmIdentity(tpm: AgentTpm): Promise<TpmIdentity> {
  const ek = await createChosenEk(tpm);
  const ak = await tpm.createAk();
  const ekCertificate = await readEkCertificate(tpm, parsePublic(ek.publicArea).type);
  return { ek, ak, ekName: toHex(nameOf(ek.publicArea)), ekCertificate };
}
