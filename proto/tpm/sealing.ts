import { equalBytes } from "../wire/bytes.ts";
import { ALG, digest } from "./alg.ts";
import { certifyCreation } from "./commands/certify-creation.ts";
import { create, type CreatedObject } from "./commands/create.ts";
import { createPrimary, type LoadedKey } from "./commands/create-primary.ts";
import { load } from "./commands/load.ts";
import { loadExternal } from "./commands/load-external.ts";
import { policyAuthorize } from "./commands/policy-authorize.ts";
import { policyPcr } from "./commands/policy-pcr.ts";
import { startSaltedSession } from "./commands/start-salted-session.ts";
import { unseal } from "./commands/unseal.ts";
import { verifyRsaSignature } from "./commands/verify-signature.ts";
import type { TpmCommand } from "./command.ts";
import { RH } from "./handles.ts";
import { approvedMessage, type ApprovedPolicy, isApproved, type PolicyKey } from "./policy-key.ts";
import { policyAuthorizeDigest, policyOfPcrDigest, policyPcrDigest } from "./policy.ts";
import { parsePublic } from "./public.ts";
import { NONCE_BYTES, type SaltedSession, sessionKey, throughSession } from "./salted-session.ts";
import { SealError } from "./seal-error.ts";
import { creationPcrs, isSealedUnder, sealedName, sealedTemplate } from "./sealed-object.ts";
import { type Entropy, protectSeed } from "./seed.ts";
import { STORAGE_TEMPLATE } from "./templates.ts";
import { TpmError } from "./tpm-error.ts";

/** What a secret is sealed for: boots that `key` approves for `policyRef`, told by these PCRs. */
export interface SealScope {
  readonly key: PolicyKey;
  readonly policyRef: Uint8Array;
  readonly pcrs: readonly number[];
  /** What was approved, for this release or any: whoever gave it, its signatures decide. */
  readonly approved: readonly ApprovedPolicy[];
  readonly entropy: Entropy;
}

/** A sealed secret: what may lie on a disk that anybody can read and write. */
export interface SealedSecret extends Omit<CreatedObject, "creationHash"> {
  /** Name of the storage key that it is a child of: tells another TPM from a damaged file. */
  readonly parentName: Uint8Array;
  /** The approval of the boot that made it. */
  readonly birth: ApprovedPolicy;
}

/** The TPM as sealing uses it. */
export interface SealingTpm {
  run<T>(command: TpmCommand<T>): Promise<T>;
  readPcrs(pcrs: readonly number[]): Promise<Map<number, Uint8Array>>;
  /** Remembers a handle, so that it is dropped whatever happens. */
  hold(handle: number): void;
}

/**
 * Seals up to 128 bytes. Only a boot that is approved itself can: so the secret can be opened again, and whoever opens it can tell
 * that no other machine state made it. The secret is encrypted on its way to the TPM. Throws SealError `NOT_APPROVED`; TpmError.
 */
export async function sealSecret(tpm: SealingTpm, secret: Uint8Array, scope: SealScope): Promise<SealedSecret> {
  const birth = await findApproved(tpm, scope);
  const parent = await storageKey(tpm);
  const session = await startSession(tpm, parent, "hmac", scope.entropy);
  const template = sealedTemplate(policyAuthorizeDigest(scope.key.name, scope.policyRef));
  const command = create({ parent: parent.handle, data: secret, template, creationPcrs: [{ hash: ALG.SHA256, pcrs: scope.pcrs }] });
  const object = await tpm.run(throughSession(command, { session, names: [parent.name], encrypted: "command", entropy: scope.entropy }));
  const { privateArea, publicArea, creationData, creationTicket } = object;
  return { privateArea, publicArea, creationData, creationTicket, parentName: parent.name, birth };
}

/**
 * The secret, encrypted on its way from the TPM. Refused before the TPM is asked where the object isn't one of ours; by the TPM where the
 * machine's PCRs aren't approved. Throws SealError; TpmError.
 */
export async function unsealSecret(tpm: SealingTpm, sealed: SealedSecret, scope: SealScope): Promise<Uint8Array> {
  const { key, policyRef, entropy } = scope;
  const parent = await storageKey(tpm);
  if (!equalBytes(parent.name, sealed.parentName)) throw new SealError("OTHER_TPM", "the secret was sealed by another TPM");
  checkBirth(sealed, scope);
  const object = await tpm.run(load(parent.handle, sealed)).catch(refusedAs("OTHER_TPM", "the TPM doesn't know the sealed object"));
  tpm.hold(object.handle);
  await tpm
    .run(certifyCreation({ object: object.handle, creationHash: digest(ALG.SHA256, sealed.creationData), creationTicket: sealed.creationTicket }))
    .catch(refusedAs("NOT_BORN_HERE", "the TPM didn't create the sealed object as its papers say"));
  const approved = await findApproved(tpm, scope);
  const session = await startSession(tpm, parent, "policy", entropy);
  await tpm.run(policyPcr(session.handle, [{ hash: ALG.SHA256, pcrs: scope.pcrs }]));
  const verifier = await tpm.run(loadExternal(key.publicArea));
  tpm.hold(verifier.handle);
  const message = digest(ALG.SHA256, approvedMessage(approved.policy, policyRef));
  const ticket = await tpm.run(verifyRsaSignature({ key: verifier.handle, digest: message, signature: approved.signature }));
  // PCRs may have moved since they were looked at: then the TPM says so here.
  await tpm
    .run(policyAuthorize({ session: session.handle, approved: approved.policy, policyRef, keyName: key.name, ticket }))
    .catch(refusedAs("NOT_APPROVED", "the machine's PCRs changed while the secret was being unsealed"));
  const names = [sealedName(sealed.publicArea)];
  return await tpm.run(throughSession(unseal(object.handle, session.handle), { session, names, encrypted: "response", entropy }));
}

/** An object that says it was created in another state than an approved one, or under another policy, is somebody else's bait. */
function checkBirth(sealed: SealedSecret, { key, policyRef, pcrs }: SealScope): void {
  const born = creationPcrs(sealed.creationData);
  const fits =
    isSealedUnder(policyAuthorizeDigest(key.name, policyRef), sealed.publicArea) &&
    born !== null &&
    born.pcrs.join() === pcrs.join() &&
    equalBytes(policyOfPcrDigest(born.pcrs, born.digest), sealed.birth.policy) &&
    isApproved(key, sealed.birth, policyRef);
  if (!fits) throw new SealError("NOT_BORN_HERE", "no approved boot made the sealed object");
}

async function findApproved(tpm: SealingTpm, { key, policyRef, pcrs, approved }: SealScope): Promise<ApprovedPolicy> {
  const now = policyPcrDigest(await tpm.readPcrs(pcrs));
  const found = approved.find((a) => equalBytes(a.policy, now) && isApproved(key, a, policyRef));
  if (found === undefined) throw new SealError("NOT_APPROVED", `nobody approved the present values of PCR ${pcrs.join(", ")}`);
  return found;
}

async function storageKey(tpm: SealingTpm): Promise<LoadedKey> {
  const key = await tpm.run(createPrimary(STORAGE_TEMPLATE, RH.OWNER));
  tpm.hold(key.handle);
  return key;
}

async function startSession(tpm: SealingTpm, saltKey: LoadedKey, type: "hmac" | "policy", entropy: Entropy): Promise<SaltedSession> {
  const { seed, encryptedSecret } = protectSeed(parsePublic(saltKey.publicArea), "SECRET", entropy);
  const nonceCaller = entropy(NONCE_BYTES);
  const { handle, nonceTpm } = await tpm.run(startSaltedSession({ type, saltKey: saltKey.handle, nonceCaller, encryptedSalt: encryptedSecret }));
  tpm.hold(handle);
  return { handle, key: sessionKey(seed, nonceTpm, nonceCaller), nonceTpm };
}

function refusedAs(code: SealError["code"], message: string): (cause: unknown) => never {
  return (cause) => {
    throw cause instanceof TpmError && cause.code === "REFUSED" ? new SealError(code, message, { cause }) : cause;
  };
}
