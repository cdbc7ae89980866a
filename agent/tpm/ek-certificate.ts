import { EK_CERTIFICATE_INDEX } from "../../proto/tpm/ek-choice.ts";
import type { KeyKind } from "../../proto/tpm/templates.ts";
import type { AgentTpm } from "./agent-tpm.ts";

/** Where the maker's chain stands, in pieces (TCG EK Credential Profile 2.5, 2.2.1.5.2). */
const CHAIN = { first: 0x01c00100, last: 0x01c001ff } as const;
/** A chain of any maker takes four; more would only make the hello larger. */
const MAX_CHAIN = 16;

/** What the TPM's maker put beside the EK; this agent believes none of it, the hub judges it. */
export interface EkCertificateNv {
  /** Contents of the NV index; empty where the TPM has no certificate, as a virtual one often. */
  readonly certificate: Uint8Array;
  /** Contents of the chain's indexes, ascending. */
  readonly chain: readonly Uint8Array[];
}

/** Reads the certificate for this kind of EK and its chain. A TPM without them, or that won't give them, is one without. */
export async function readEkCertificate(tpm: AgentTpm, kind: KeyKind): Promise<EkCertificateNv> {
  try {
    const indexes = await tpm.getHandles("nvIndex");
    const index = EK_CERTIFICATE_INDEX[kind];
    if (!indexes.includes(index)) return { certificate: new Uint8Array(0), chain: [] };
    const chain: Uint8Array[] = [];
    for (const part of indexes.filter((i) => i >= CHAIN.first && i <= CHAIN.last).slice(0, MAX_CHAIN)) chain.push(await tpm.readNv(part));
    return { certificate: await tpm.readNv(index), chain };
  } catch {
    return { certificate: new Uint8Array(0), chain: [] };
  }
}
