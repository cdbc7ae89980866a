import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { predictPcrs } from "../../../builder/measure/predict.ts";
import { parsePe } from "../../../builder/pe/parse.ts";
import { fileDigest } from "../../../builder/release/read-release.ts";
import { authenticodeDigest } from "../../../builder/sign/authenticode-digest.ts";
import { makeFileSigner } from "../../../builder/sign/signer.ts";
import { encodeEnvelope } from "../../../proto/dsse/dsse.ts";
import type { Release } from "../../../proto/release/release.ts";
import { sha256, utf8 } from "../../../proto/wire/bytes.ts";
import { toHex } from "../../../proto/wire/hex.ts";
import { canonicalJson } from "../../../proto/wire/json.ts";
import type { Attack } from "../attack.ts";
import { type AttackDisk, BOOT_FILE, copyDisk, putFile } from "../spoil/disk.ts";
import { refusedOutcome } from "../spoil/outcome.ts";
import { resignUki } from "../spoil/uki.ts";
import type { AttackWorld } from "../world.ts";

/** Its own digits, so that no build gives the same. */
const RELEASE_ID = "01db1d0000000001";

/** Signed by the same keys, good until yesterday: firmware has no objection, and init none. */
export const olderRelease: Attack = {
  name: "older-release",
  title: "the signed image of a release that was current once and then withdrawn",
  ci: false,
  async run(world) {
    const disk = await copyDisk(world);
    const uki = await resignUki(world.demo, (parts) => ({ ...parts, osrel: utf8(`${new TextDecoder().decode(parts.osrel)}IMAGE_VERSION=older\n`) }));
    await putFile(world, disk, BOOT_FILE, uki);
    const file = await signOlderRelease(world, uki, disk);
    for (const argv of [["stage", file], ["activate", RELEASE_ID], ["withdraw", RELEASE_ID, "--reason", "a fault that everybody knows"]]) {
      const ended = await world.hub(["release", ...argv]);
      if (ended.code !== 0) throw new Error(`kubedos-hub release ${argv[0]} ended with ${ended.code}: ${ended.stderr.trim()}`);
    }
    return await refusedOutcome(world, await world.start(world.name, { disk }));
  },
};

/** What the build host once gave the hub: the release's worker with another UKI, its PCRs predicted from that file. */
async function signOlderRelease(world: AttackWorld, uki: Uint8Array, disk: AttackDisk): Promise<string> {
  const { release, keys } = world.demo.built;
  const older: Release = {
    ...release,
    id: RELEASE_ID,
    generation: release.generation + 1,
    images: await Promise.all(
      release.images
        .filter((image) => image.role === "worker")
        .map(async (image) => ({
          ...image,
          disk: { ...image.disk, sha256: await fileDigest(disk.file) },
          uki: { sha256: toHex(sha256(uki)), authenticode: toHex(authenticodeDigest(parsePe(uki))) },
          pcrs: predictPcrs(uki, keys),
        })),
    ),
  };
  const file = join(world.dir, "older.json");
  await writeFile(file, encodeEnvelope(await makeFileSigner(keys).signDocument("release", canonicalJson(older))));
  return file;
}
