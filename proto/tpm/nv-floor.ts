import { equalBytes, sha256, utf8 } from "../wire/bytes.ts";
import { WireError } from "../wire/error.ts";
import { ByteReader } from "../wire/reader.ts";
import { ByteWriter } from "../wire/writer.ts";
import type { TpmClient } from "./client.ts";
import { NV_ATTRIBUTE } from "./nv-attributes.ts";

/** The index that keeps a hub's floor, in the range that the TCG's registry of handles leaves to the owner. */
export const FLOOR_INDEX = 0x01806b64;
/**
 * An ordinary index that the owner writes and anybody at the TPM reads; nothing in it is secret. docs/deviations.md says why it isn't
 * one of the TPM's counters, and what the owner's empty authorization means.
 */
const ATTRIBUTES = NV_ATTRIBUTE.OWNERWRITE | NV_ATTRIBUTE.OWNERREAD | NV_ATTRIBUTE.AUTHREAD | NV_ATTRIBUTE.NO_DA;
/** Generation (u64, big-endian), SHA-256 of the cluster's id. */
const SIZE = 8 + 32;

/**
 * The highest release generation that ever counted on this hub (DESIGN §2.6); 0 where none was ever kept. An index that was defined
 * and never written is what a power cut at the first raise leaves. Rejects with TpmError, or WireError `BAD_VALUE` where the index isn't ours.
 */
export async function readFloor(client: TpmClient, cluster: string): Promise<number> {
  const found = await client.nvPublic(FLOOR_INDEX);
  if (found === null) return 0;
  if (found.dataSize !== SIZE || (found.attributes & ~NV_ATTRIBUTE.WRITTEN) !== ATTRIBUTES) {
    throw new WireError("BAD_VALUE", `NV index 0x${FLOOR_INDEX.toString(16)} was made by somebody else`);
  }
  return (found.attributes & NV_ATTRIBUTE.WRITTEN) === 0 ? 0 : parseFloor(await client.readNv(FLOOR_INDEX), cluster);
}

/** Raises the floor and reads it back; one that is there already stays. A lower one is refused with RangeError. Rejects as {@link readFloor} does. */
export async function raiseFloor(client: TpmClient, cluster: string, generation: number): Promise<void> {
  const before = await readFloor(client, cluster);
  if (generation < before) throw new RangeError(`the floor is ${before} and can't fall to ${generation}`);
  if (generation === before) return;
  if ((await client.nvPublic(FLOOR_INDEX)) === null) await client.defineNv({ index: FLOOR_INDEX, attributes: ATTRIBUTES, size: SIZE });
  await client.writeNv(FLOOR_INDEX, new ByteWriter().u64be(BigInt(generation)).bytes(clusterDigest(cluster)).done());
  if ((await readFloor(client, cluster)) !== generation) throw new WireError("BAD_VALUE", "the TPM didn't keep what was written");
}

function parseFloor(data: Uint8Array, cluster: string): number {
  const r = new ByteReader(data);
  const generation = r.u64be();
  const owner = r.bytes(32);
  r.end();
  if (!equalBytes(owner, clusterDigest(cluster))) throw new WireError("BAD_VALUE", "the TPM keeps the floor of another cluster's hub");
  if (generation > BigInt(Number.MAX_SAFE_INTEGER)) throw new WireError("BAD_VALUE", "the floor in the TPM is no generation");
  return Number(generation);
}

function clusterDigest(cluster: string): Uint8Array {
  return sha256(utf8(cluster));
}
