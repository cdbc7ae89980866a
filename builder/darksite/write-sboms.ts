import { createReadStream } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { readImageContents } from "../containers/image-contents.ts";
import { mapToEnd } from "../fetch/map-to-end.ts";
import { makeProgress } from "../fetch/progress.ts";
import { writeImageCycloneDx } from "../sbom/write-image-cyclonedx.ts";
import { writeImageSpdx } from "../sbom/write-image-spdx.ts";
import { ToolError } from "../toolchain/error.ts";
import type { Report } from "../toolchain/report.ts";
import { blobFile, DARKSITE } from "./paths.ts";
import type { LaidImage } from "./write-oci.ts";
import { writeWhole } from "./write-whole.ts";

const AT_ONCE = 2;
const CHUNK = 1 << 20;
/** The part of a file's name that is the image's. */
const MAX_NAME = 150;

/** Paths of an image's SBOMs in a darksite: "sbom/registry.k8s.io_pause_3.10-0123456789ab.spdx.json" and ".cdx.json". */
export function imageSboms({ name, sha256 }: LaidImage): { readonly spdx: string; readonly cyclonedx: string } {
  const stem = `${DARKSITE.sboms}/${name.replace(/[^0-9A-Za-z.-]/g, "_").slice(0, MAX_NAME)}-${sha256.slice(0, 12)}`;
  return { spdx: `${stem}.spdx.json`, cyclonedx: `${stem}.cdx.json` };
}

/** All of them, in the order of the images. */
export function sbomPaths(images: readonly LaidImage[]): readonly string[] {
  return images.flatMap((image) => Object.values(imageSboms(image)));
}

/** Writes the SBOMs of a layout's images from their layers, whose bytes have been hashed, and takes older ones away. Throws ContainerError, ToolError or a file system's error. */
export async function writeSboms(dir: string, images: readonly LaidImage[], report: Report, signal?: AbortSignal): Promise<void> {
  await rm(join(dir, DARKSITE.sboms), { recursive: true, force: true });
  if (images.length === 0) return;
  const progress = makeProgress(report, "reading the packages of container images", images.reduce((sum, { bytes }) => sum + bytes, 0));
  await mapToEnd(
    images,
    AT_ONCE,
    async (image, either) => {
      const contents = await readImageContents(image.name, image.sha256, (sha256) => blob(join(dir, blobFile(sha256)), progress.add, either));
      const bill = { name: image.name, sha256: image.sha256, ...contents };
      for (const what of bill.unread) report(`${image.name}: packages were not all read: ${what}`);
      const { spdx, cyclonedx } = imageSboms(image);
      await writeWhole(dir, spdx, writeImageSpdx(bill));
      await writeWhole(dir, cyclonedx, writeImageCycloneDx(bill));
    },
    signal,
  );
}

async function* blob(path: string, onBytes: (count: number) => void, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: CHUNK, signal })) {
      onBytes((chunk as Uint8Array).length);
      yield chunk as Uint8Array;
    }
  } catch (cause) {
    if (signal.aborted) throw new ToolError("ABORTED", `stopped: reading ${path}`, { cause });
    throw cause;
  }
}
