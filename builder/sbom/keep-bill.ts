import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sha256 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { lockDigest } from "../lock/lock.ts";
import { imageKey } from "../release/assemble-image.ts";
import { type KeptFiles, takeFiles } from "../release/kept-files.ts";
import { sourceDigest } from "../release/source-digest.ts";
import { cacheKey } from "../toolchain/cached-tree.ts";
import type { Toolchain } from "../toolchain/ensure-toolchain.ts";
import { VERSION } from "../version.ts";
import { type BillRequest, makeBill } from "./make-bill.ts";
import { writeCycloneDx } from "./write-cyclonedx.ts";
import { writeSpdx } from "./write-spdx.ts";

/** Whatever reads an image, explains what is in it or is named as a part of it. */
const SOURCES = ["builder", "proto", "agent", "hub", "package-lock.json"];
const FILES = { spdx: "sbom.spdx.json", cyclonedx: "sbom.cdx.json" } as const;

/** Of the sources as they were when the first image asked: this process runs those. */
let sources: Promise<string> | undefined;

/** A bill to be found or made. */
export interface KeptBillRequest extends BillRequest {
  /** SHA-256 (hex) of the root file system as it lies there, not as it should be: one that was touched is looked into again. */
  readonly rootDigest: string;
}

/** Both forms of a bill, as the release has them, and its folder's name in the cache. */
export interface KeptBill {
  readonly name: string;
  readonly spdx: Uint8Array;
  readonly cyclonedx: Uint8Array;
}

/**
 * The cache's name of a bill: a digest over all that it is a function of. What a role says of generated files changes no image and yet what is said of one,
 * or whether anything is.
 */
export async function billName(tc: Toolchain, { inputs, rootDigest, rootHash, signedUki }: Pick<KeptBillRequest, "inputs" | "rootDigest" | "rootHash" | "signedUki">): Promise<string> {
  return `bill-${cacheKey([VERSION, imageKey(tc, inputs), inputs.role.generated, rootDigest, rootHash, toHex(sha256(signedUki)), lockDigest(tc.lock), await (sources ??= sourceDigest(SOURCES))])}`;
}

/**
 * The bill of a finished image: looked into, unless the very same image was before, by the same sources and under the same lock. Throws what
 * {@link makeBill} throws.
 */
export async function keepBill(tc: Toolchain, request: KeptBillRequest): Promise<KeptBill> {
  const { cacheDir, report } = request;
  const kept: KeptFiles = {
    name: await billName(tc, request),
    make: async (dir) => {
      const bill = await makeBill(tc, request);
      await writeFile(join(dir, FILES.spdx), writeSpdx(bill));
      await writeFile(join(dir, FILES.cyclonedx), writeCycloneDx(bill));
    },
  };
  return takeFiles(cacheDir, kept, report, async (dir) => {
    const [spdx, cyclonedx] = [await readFile(join(dir, FILES.spdx)), await readFile(join(dir, FILES.cyclonedx))];
    return { value: { name: kept.name, spdx, cyclonedx }, sums: new Map([[FILES.spdx, toHex(sha256(spdx))], [FILES.cyclonedx, toHex(sha256(cyclonedx))]]) };
  });
}
