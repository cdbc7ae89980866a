import { ALG, type HashAlg, type ShaAlg } from "./alg.ts";
import { CommandQueue, type Pause } from "./command-queue.ts";
import { activateCredential } from "./commands/activate-credential.ts";
import { createPrimary, type LoadedKey } from "./commands/create-primary.ts";
import { flushContext } from "./commands/flush-context.ts";
import { getAlgorithms, getBanks, getHandles } from "./commands/get-capability.ts";
import { getRandom } from "./commands/get-random.ts";
import { NV_CHUNK_BYTES, nvRead } from "./commands/nv-read.ts";
import { type NvPublic, nvReadPublic } from "./commands/nv-read-public.ts";
import { nvDefineSpace, type NvSpace } from "./commands/nv-define-space.ts";
import { nvWrite } from "./commands/nv-write.ts";
import { pcrAllocate } from "./commands/pcr-allocate.ts";
import { type BankDigest, pcrEvent } from "./commands/pcr-event.ts";
import { pcrExtend } from "./commands/pcr-extend.ts";
import { policySecret } from "./commands/policy-secret.ts";
import { type Quote, quote } from "./commands/quote.ts";
import { type PublicOfHandle, readPublic } from "./commands/read-public.ts";
import { startPolicySession } from "./commands/start-policy-session.ts";
import { startup } from "./commands/startup.ts";
import type { Credential } from "./credential.ts";
import { HANDLE_RANGE, RH } from "./handles.ts";
import { listCapability } from "./list-capability.ts";
import type { PcrSelection } from "./pcr-selection.ts";
import { hasNvAttributes, NV_ATTRIBUTE } from "./nv-attributes.ts";
import { parsePublic, type TpmPublic } from "./public.ts";
import { RC_INITIALIZE, RC_NO_HANDLE } from "./rc.ts";
import { readPcrs } from "./read-pcrs.ts";
import { type SealedSecret, type SealingTpm, type SealScope, sealSecret, unsealSecret } from "./sealing.ts";
import { AK_TEMPLATES, EK_TEMPLATES, type KeyKind } from "./templates.ts";
import { TpmError } from "./tpm-error.ts";
import type { TpmTransport } from "./transport.ts";

/** A loaded or persistent key: its handle, or what holds it. */
export type KeyRef = number | Pick<LoadedKey, "handle">;

/**
 * The TPM commands that kubedos needs, over any transport. Calls may overlap: packets go out one at a time. Keys stay in
 * transient handles until {@link flush} or {@link dispose}. Every method rejects with TpmError; arguments that can't be
 * right (a PCR 24) throw RangeError.
 *
 * Sessions are neither salted nor encrypted but for sealing, whose secret would be read on the bus: who can change the bus between this
 * process and the TPM is out of its reach (P33), and what ActivateCredential returns is useless without the channel that it was made for.
 */
export class TpmClient {
  readonly #queue: CommandQueue;
  readonly #open = new Set<number>();

  /** Without `pause`, a command for which the TPM is busy is sent again at once, a few times. */
  constructor(transport: TpmTransport, pause: Pause = () => Promise.resolve()) {
    this.#queue = new CommandQueue(transport, pause);
  }

  /** TPM2_Startup(CLEAR); a TPM that the firmware has started is fine. */
  async startup(): Promise<void> {
    try {
      await this.#queue.run(startup());
    } catch (e) {
      if (!(e instanceof TpmError && e.rc === RC_INITIALIZE)) throw e;
    }
  }

  /** The EK of the profile's low-range template: the same key each time. */
  createEk(kind: KeyKind): Promise<LoadedKey> {
    return this.createPrimary(EK_TEMPLATES[kind]);
  }

  /** The attestation key: ECDSA P-256 unless RSA is asked for. The same key each time, on one TPM. */
  createAk(kind: KeyKind = "ecc"): Promise<LoadedKey> {
    return this.createPrimary(AK_TEMPLATES[kind]);
  }

  /** Any primary key under the endorsement hierarchy. */
  async createPrimary(template: TpmPublic): Promise<LoadedKey> {
    const key = await this.#queue.run(createPrimary(template));
    this.#open.add(key.handle);
    return key;
  }

  /** Public area and Names of a loaded or persistent key. */
  readPublic(key: KeyRef): Promise<PublicOfHandle> {
    return this.#queue.run(readPublic(handleOf(key)));
  }

  /** Quote over these PCRs of each bank, of SHA-256 where none is named; `extraData` has up to 64 bytes. */
  quote(args: { readonly ak: KeyRef; readonly extraData: Uint8Array; readonly pcrs: readonly number[]; readonly banks?: readonly HashAlg[] }): Promise<Quote> {
    return this.#queue.run(quote({ ...args, ak: handleOf(args.ak) }));
  }

  /** SHA-256 PCRs that were true together. `NO_BANK` if one is missing, `UNSTABLE` if they change all the time. */
  readPcrs(pcrs: readonly number[]): Promise<Map<number, Uint8Array>> {
    return readPcrs(this.#queue, pcrs);
  }

  /** Extends a PCR of the SHA-256 bank alone. */
  extendPcr(index: number, digest: Uint8Array): Promise<void> {
    return this.extendBanks(index, [{ hash: ALG.SHA256, digest }]);
  }

  /** Extends a PCR in the banks that have a digest here, and in no other. */
  extendBanks(index: number, digests: readonly BankDigest[]): Promise<void> {
    return this.#queue.run(pcrExtend(index, digests));
  }

  /** Extends a PCR in every bank by the hash of up to 1024 bytes; gives the digests back, for the log. */
  pcrEvent(index: number, data: Uint8Array): Promise<readonly BankDigest[]> {
    return this.#queue.run(pcrEvent(index, data));
  }

  /** The secret of a credential made for this EK and this AK. The EK's policy is that of {@link EK_TEMPLATES}. */
  async activateCredential(args: Credential & { readonly ak: KeyRef; readonly ek: KeyRef }): Promise<Uint8Array> {
    const { publicArea } = await this.readPublic(args.ek);
    const session = await this.#startSession(parsePublic(publicArea).nameAlg);
    try {
      await this.#queue.run(policySecret(session));
      const handles = { ak: handleOf(args.ak), ek: handleOf(args.ek), session };
      const secret = await this.#queue.run(activateCredential({ ...args, ...handles }));
      this.#open.delete(session);
      return secret;
    } catch (e) {
      await this.#flushQuietly(session);
      throw e;
    }
  }

  /** Random bytes of the TPM, any number. */
  async getRandom(bytes: number): Promise<Uint8Array> {
    const out = new Uint8Array(bytes);
    for (let have = 0; have < bytes; ) {
      const some = await this.#queue.run(getRandom(Math.min(32, bytes - have)));
      if (some.length === 0) throw new TpmError("MALFORMED", "TPM2_GetRandom gave nothing");
      out.set(some, have);
      have += some.length;
    }
    return out;
  }

  /** Identifiers of all algorithms that the TPM implements, ascending. */
  getAlgorithms(): Promise<readonly number[]> {
    return listCapability(this.#queue, { first: 0, last: 0xffff }, getAlgorithms);
  }

  /** Handles in use in one range (TPM_HT), ascending. */
  getHandles(range: keyof typeof HANDLE_RANGE): Promise<readonly number[]> {
    const first = HANDLE_RANGE[range];
    return listCapability(this.#queue, { first, last: first + 0xffffff }, getHandles);
  }

  /**
   * Contents of an NV index that its own empty authorization or the owner's may read, as those of EK certificates are. Whoever owns the
   * TPM chose the bytes.
   */
  async readNv(index: number): Promise<Uint8Array> {
    const { attributes, dataSize } = await this.#queue.run(nvReadPublic(index));
    const auth = hasNvAttributes(attributes, NV_ATTRIBUTE.AUTHREAD) ? index : RH.OWNER;
    const out = new Uint8Array(dataSize);
    for (let offset = 0; offset < dataSize; offset += NV_CHUNK_BYTES) {
      const size = Math.min(NV_CHUNK_BYTES, dataSize - offset);
      out.set(await this.#queue.run(nvRead({ auth, index, size, offset })), offset);
    }
    return out;
  }

  /** Attributes and size of an NV index; null where there is none. */
  async nvPublic(index: number): Promise<NvPublic | null> {
    try {
      return await this.#queue.run(nvReadPublic(index));
    } catch (e) {
      if (e instanceof TpmError && e.rc === RC_NO_HANDLE) return null;
      throw e;
    }
  }

  /** Makes an NV index of the owner's. `REFUSED` (TPM_RC_NV_DEFINED) where it is there already. */
  defineNv(space: NvSpace): Promise<void> {
    return this.#queue.run(nvDefineSpace(space));
  }

  /** Writes a whole NV index of up to 512 bytes that the owner may write. */
  writeNv(index: number, data: Uint8Array): Promise<void> {
    return this.#queue.run(nvWrite(index, data));
  }

  /** See {@link sealSecret}. */
  seal(secret: Uint8Array, scope: SealScope): Promise<SealedSecret> {
    return this.#holding((tpm) => sealSecret(tpm, secret, scope));
  }

  /** See {@link unsealSecret}. */
  unseal(sealed: SealedSecret, scope: SealScope): Promise<Uint8Array> {
    return this.#holding((tpm) => unsealSecret(tpm, sealed, scope));
  }

  /** The PCR banks that are active: one that nobody measures into is an open door (P20). */
  async getBanks(): Promise<readonly PcrSelection[]> {
    return (await this.#queue.run(getBanks())).items.filter((bank) => bank.pcrs.length > 0);
  }

  /**
   * Leaves exactly these banks active, with all PCRs, from the TPM's next reset on; nothing is sent where they are already. Needs the platform's
   * authorization, which a firmware takes away before it starts anything. `REFUSED` where the TPM hasn't one of them.
   */
  async allocateBanks(wanted: readonly HashAlg[]): Promise<void> {
    const { items } = await this.#queue.run(getBanks());
    const active = items.filter((bank) => bank.pcrs.length > 0);
    if (active.length === wanted.length && active.every((bank) => wanted.includes(bank.hash))) return;
    const all = new Set([...items.map((bank) => bank.hash), ...wanted]);
    await this.#queue.run(pcrAllocate([...all].map((hash) => ({ hash, on: wanted.includes(hash) }))));
  }

  /** Drops a key or session. */
  async flush(target: KeyRef): Promise<void> {
    const handle = handleOf(target);
    await this.#queue.run(flushContext(handle));
    this.#open.delete(handle);
  }

  /**
   * Drops transient objects and sessions of whoever used the TPM before. Only for a TPM that is ours alone: a raw socket,
   * /dev/tpm0. /dev/tpmrm0 does it by itself.
   */
  async flushStale(): Promise<void> {
    for (const range of ["transient", "loadedSession", "savedSession"] as const) {
      for (const handle of await this.getHandles(range)) await this.flush(handle);
    }
  }

  /** Drops all that this client loaded. It can be used on. */
  async dispose(): Promise<void> {
    for (const handle of this.#open) await this.flush(handle);
  }

  async #startSession(hash: ShaAlg): Promise<number> {
    const session = await this.#queue.run(startPolicySession(hash));
    this.#open.add(session);
    return session;
  }

  /** Runs a sequence of commands and drops afterwards what it loaded; a session that ended with its command is gone already. */
  async #holding<T>(work: (tpm: SealingTpm) => Promise<T>): Promise<T> {
    const held: number[] = [];
    try {
      return await work({ run: (command) => this.#queue.run(command), readPcrs: (pcrs) => this.readPcrs(pcrs), hold: (handle) => held.push(handle) });
    } finally {
      for (const handle of held) await this.#queue.run(flushContext(handle)).catch(() => undefined);
    }
  }

  /** After a failure whose own error matters more; {@link dispose} tries again. */
  async #flushQuietly(handle: number): Promise<void> {
    await this.flush(handle).catch(() => undefined);
  }
}

function handleOf(key: KeyRef): number {
  return typeof key === "number" ? key : key.handle;
}
