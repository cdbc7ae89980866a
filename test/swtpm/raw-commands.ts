import { RC_SUCCESS, rcName } from "../../proto/tpm/rc.ts";
import { ALG } from "../../proto/tpm/alg.ts";
import { RH } from "../../proto/tpm/handles.ts";
import { marshalPublic, type TpmPublic } from "../../proto/tpm/public.ts";
import type { TpmTransport } from "../../proto/tpm/transport.ts";
import { ByteReader } from "../../proto/wire/reader.ts";
import { ByteWriter } from "../../proto/wire/writer.ts";

const RH_OWNER = 0x40000001;
const RH_NULL = 0x40000007;
const CC = { ClockSet: 0x0128, CreatePrimary: 0x0131, Certify: 0x0148, GetTime: 0x014c, Quote: 0x0158, Sign: 0x015d, LoadExternal: 0x0167, Hash: 0x017d } as const;

/** An attestation that isn't a quote of ours, with the key's true signature. */
export interface Signed {
  readonly quote: Uint8Array;
  readonly signature: Uint8Array;
}

/** TPM2_Quote over any selection (TPML_PCR_SELECTION bytes). */
export function quoteAny(tpm: TpmTransport, ak: number, extraData: Uint8Array, selection: Uint8Array): Promise<Signed> {
  return attestation(tpm, CC.Quote, [ak], new ByteWriter().sized16be(extraData).u16be(ALG.NULL).bytes(selection).done());
}

/** TPM2_GetTime: signed by the AK, with extraData, but about the clock. */
export function getTime(tpm: TpmTransport, ak: number, extraData: Uint8Array): Promise<Signed> {
  return attestation(tpm, CC.GetTime, [RH.ENDORSEMENT, ak], new ByteWriter().sized16be(extraData).u16be(ALG.NULL).done());
}

/** TPM2_Certify of a key by the AK. */
export function certify(tpm: TpmTransport, key: number, ak: number, extraData: Uint8Array): Promise<Signed> {
  return attestation(tpm, CC.Certify, [key, ak], new ByteWriter().sized16be(extraData).u16be(ALG.NULL).done());
}

/**
 * A restricted key's signature over bytes from outside: TPM2_Hash gives a ticket for everything that doesn't begin with
 * TPM_GENERATED_VALUE, TPM2_Sign takes it. This is what makes the magic worth checking.
 */
export async function signForeign(tpm: TpmTransport, ak: number, message: Uint8Array, hash: number = ALG.SHA256): Promise<Uint8Array> {
  const hashed = await run(tpm, CC.Hash, [], new ByteWriter().sized16be(message).u16be(hash).u32be(RH.ENDORSEMENT).done());
  const digest = hashed.sized16be(64);
  const ticket = hashed.bytes(hashed.left);
  const signed = await run(tpm, CC.Sign, [ak], new ByteWriter().sized16be(digest).u16be(ALG.NULL).bytes(ticket).done());
  return signed.bytes(signed.left);
}

/** A primary key under the owner's hierarchy, with the public area that the TPM gave it. */
export async function createOwnerPrimary(tpm: TpmTransport, template: TpmPublic): Promise<{ readonly handle: number; readonly publicArea: Uint8Array }> {
  const sensitive = new ByteWriter().u16be(0).u16be(0).done();
  const parameters = new ByteWriter().sized16be(sensitive).sized16be(marshalPublic(template)).u16be(0).u32be(0).done();
  const r = await run(tpm, CC.CreatePrimary, [RH_OWNER], parameters, true);
  return { handle: r.u32be(), publicArea: r.sized16be(1024) };
}

/**
 * A key that was made elsewhere, its handle. Its private scalar (P-256) goes along only for a key that doesn't say it was made
 * in a TPM: with one, TPM2_LoadExternal refuses those attributes; without one, the key can be named but not used.
 */
export async function loadExternal(tpm: TpmTransport, publicArea: Uint8Array, scalar: Uint8Array | null): Promise<number> {
  const sensitive = scalar === null ? new Uint8Array(0) : new ByteWriter().u16be(ALG.ECC).u16be(0).u16be(0).sized16be(scalar).done();
  const hierarchy = scalar === null ? RH.ENDORSEMENT : RH_NULL;
  const r = await run(tpm, CC.LoadExternal, [], new ByteWriter().sized16be(sensitive).sized16be(publicArea).u32be(hierarchy).done());
  return r.u32be();
}

/** TPM2_ClockSet: puts the TPM's clock forward; it never goes back by this. Milliseconds. */
export async function setClock(tpm: TpmTransport, ms: bigint): Promise<void> {
  await run(tpm, CC.ClockSet, [RH_OWNER], new ByteWriter().u64be(ms).done());
}

async function attestation(tpm: TpmTransport, code: number, handles: readonly number[], parameters: Uint8Array): Promise<Signed> {
  const r = await run(tpm, code, handles, parameters);
  const quote = r.sized16be(2048);
  return { quote, signature: r.bytes(r.left) };
}

/** Sends one command, empty password for each handle; a reader on the response's parameters, behind its handle if one comes back. */
async function run(tpm: TpmTransport, code: number, handles: readonly number[], parameters: Uint8Array, returnsHandle = false): Promise<ByteReader> {
  const auth = new ByteWriter();
  for (const _ of handles) auth.u32be(RH.PW).u16be(0).u8(0).u16be(0);
  const area = auth.done();
  const body = new ByteWriter();
  for (const handle of handles) body.u32be(handle);
  if (handles.length > 0) body.u32be(area.length).bytes(area);
  const rest = body.bytes(parameters).done();
  const packet = new ByteWriter().u16be(handles.length > 0 ? 0x8002 : 0x8001).u32be(10 + rest.length).u32be(code).bytes(rest).done();
  const r = new ByteReader(await tpm.send(packet));
  r.bytes(6);
  const rc = r.u32be();
  if (rc !== RC_SUCCESS) throw new Error(`the TPM refused command 0x${code.toString(16)}: ${rcName(rc)}`);
  if (returnsHandle) {
    const handle = r.bytes(4);
    return new ByteReader(new ByteWriter().bytes(handle).bytes(r.bytes(r.u32be())).done());
  }
  return handles.length > 0 ? new ByteReader(r.bytes(r.u32be())) : new ByteReader(r.bytes(r.left));
}
