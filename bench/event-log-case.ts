import { createHash } from "node:crypto";
import { EVENT_TYPE } from "../proto/eventlog/event-type.ts";
import { ALG, digest, type HashAlg, hashSize } from "../proto/tpm/alg.ts";
import { concatBytes, utf8 } from "../proto/wire/bytes.ts";
import { fromHex } from "../proto/wire/hex.ts";
import { ByteWriter } from "../proto/wire/writer.ts";

const GLOBAL = fromHex("61dfe48bca93d211aa0d00e098032b8c");
const SECURITY = fromHex("cbb219d73a3d9645a3bcdad00e67656f");
const X509 = fromHex("a159c0a5e494a74a87b5ab155c2bf072");
const SHA256 = fromHex("2616c4c14c509240aca941f936934328");

type Event = readonly [pcr: number, type: number, data: Uint8Array];

/**
 * A firmware log of about `bytes` bytes with the shape of a server's: Secure Boot on, certificates of 1.4 KB, a dbx that takes the
 * most room, 80 to 100 events in these banks. Made, not recorded: a benchmark may not depend on somebody's machine.
 */
export function eventLogOf(bytes: number, banks: readonly HashAlg[] = [ALG.SHA256]): Uint8Array {
  const fixed = encode(events(0), banks);
  // A hash in dbx takes 48 bytes of data.
  return encode(events(Math.max(0, Math.floor((bytes - fixed.length) / 48))), banks);
}

function events(dbxHashes: number): readonly Event[] {
  const { EV_EFI_VARIABLE_DRIVER_CONFIG: CONFIG, EV_EFI_VARIABLE_BOOT: BOOT, EV_SEPARATOR: END } = EVENT_TYPE;
  const certificate = (name: string): Uint8Array => filled(name, 1400);
  const db = list(X509, [certificate("db")]);
  const hashes = Array.from({ length: dbxHashes }, (_, i) => filled(`dbx ${i}`, 32));
  const image = (pcr: number, i: number): Event => [pcr, EVENT_TYPE.EV_EFI_BOOT_SERVICES_DRIVER, filled(`image ${pcr} ${i}`, 96)];
  return [
    [0, EVENT_TYPE.EV_S_CRTM_VERSION, filled("version", 16)],
    ...Array.from({ length: 10 }, (_, i): Event => [0, EVENT_TYPE.EV_EFI_PLATFORM_FIRMWARE_BLOB, filled(`volume ${i}`, 16)]),
    [7, CONFIG, variable(GLOBAL, "SecureBoot", Uint8Array.of(1))],
    [7, CONFIG, variable(GLOBAL, "PK", list(X509, [certificate("PK")]))],
    [7, CONFIG, variable(GLOBAL, "KEK", list(X509, [certificate("KEK")]))],
    [7, CONFIG, variable(SECURITY, "db", db)],
    [7, CONFIG, variable(SECURITY, "dbx", hashes.length === 0 ? new Uint8Array(0) : list(SHA256, hashes))],
    ...Array.from({ length: 24 }, (_, i): Event => [1, BOOT, variable(GLOBAL, `Boot00${10 + i}`, filled(`boot ${i}`, 80))]),
    ...Array.from({ length: 10 }, (_, i) => image(2, i)),
    ...Array.from({ length: 8 }, (_, pcr): Event => [pcr, END, new Uint8Array(4)]),
    [7, EVENT_TYPE.EV_EFI_VARIABLE_AUTHORITY, variable(SECURITY, "db", db.subarray(28))],
    [4, EVENT_TYPE.EV_EFI_BOOT_SERVICES_APPLICATION, filled("uki", 120)],
    [5, EVENT_TYPE.EV_EFI_GPT_EVENT, filled("gpt", 484)],
    ...Array.from({ length: 12 }, (_, i): Event => [11, EVENT_TYPE.EV_IPL, filled(`section ${i}`, 24)]),
    [5, EVENT_TYPE.EV_EFI_ACTION, utf8("Exit Boot Services Invocation")],
    [5, EVENT_TYPE.EV_EFI_ACTION, utf8("Exit Boot Services Returned with Success")],
  ];
}

function encode(list: readonly Event[], banks: readonly HashAlg[]): Uint8Array {
  const head = new ByteWriter().bytes(utf8("Spec ID Event03\0")).u32le(0).u8(0).u8(2).u8(0).u8(2).u32le(banks.length);
  for (const id of banks) head.u16le(id).u16le(hashSize(id));
  const spec = head.u8(0).done();
  const w = new ByteWriter().u32le(0).u32le(EVENT_TYPE.EV_NO_ACTION).bytes(new Uint8Array(20)).u32le(spec.length).bytes(spec);
  for (const [pcr, type, data] of list) {
    w.u32le(pcr).u32le(type).u32le(banks.length);
    for (const id of banks) w.u16le(id).bytes(digest(id, data));
    w.u32le(data.length).bytes(data);
  }
  return w.done();
}

function variable(guid: Uint8Array, name: string, data: Uint8Array): Uint8Array {
  return new ByteWriter().bytes(guid).u64le(BigInt(name.length)).u64le(BigInt(data.length)).bytes(new Uint8Array(Buffer.from(name, "utf16le"))).bytes(data).done();
}

function list(type: Uint8Array, bodies: readonly Uint8Array[]): Uint8Array {
  const size = 16 + (bodies[0]?.length ?? 0);
  const owner = new Uint8Array(16);
  return concatBytes(new ByteWriter().bytes(type).u32le(28 + size * bodies.length).u32le(0).u32le(size).done(), ...bodies.flatMap((b) => [owner, b]));
}

/** Bytes that don't repeat, the same at each run. */
function filled(seed: string, size: number): Uint8Array {
  const blocks = Array.from({ length: Math.ceil(size / 32) }, (_, i) => new Uint8Array(createHash("sha256").update(`${seed} ${i}`).digest()));
  return concatBytes(...blocks).subarray(0, size);
}
