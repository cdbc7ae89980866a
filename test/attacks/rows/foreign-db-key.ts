import { generateKeyPairSync } from "node:crypto";
import { makeFirmwareCertificate } from "../../../builder/keys/firmware-certificate.ts";
import { memoryKey } from "../../../builder/keys/private-key.ts";
import { signPe } from "../../../builder/sign/sign-pe.ts";
import { assembleUki } from "../../../builder/uki/assemble.ts";
import type { Attack } from "../attack.ts";
import { BOOT_FILE, copyDisk, putFile } from "../spoil/disk.ts";
import { silentOutcome } from "../spoil/outcome.ts";
import { ukiParts } from "../spoil/uki.ts";

/** The release's own UKI, signed by a db key with our name on it that isn't ours. */
export const foreignDbKey: Attack = {
  name: "foreign-db-key",
  title: "the release's UKI, signed with another db key of the same name",
  ci: false,
  async run(world) {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const validity = { notBefore: new Date("2026-01-01T00:00:00Z"), notAfter: new Date("2046-01-01T00:00:00Z") };
    const { cluster } = world.demo.built.keys;
    const certificate = await makeFirmwareCertificate({ commonName: `kubedos db ${cluster}`, key: privateKey, serial: "40a1", ...validity });
    const disk = await copyDisk(world);
    await putFile(world, disk, BOOT_FILE, await signPe(assembleUki(await ukiParts(world.demo)), memoryKey(privateKey), certificate));
    const guest = await world.start(world.name, { disk });
    await guest.untilSerial(/Access Denied/);
    return await silentOutcome(world, guest);
  },
};
