import type { Attack } from "./attack.ts";
import { PROTOCOL_ATTACKS } from "./rows/protocol.ts";
import { clonedVtpm } from "./rows/cloned-vtpm.ts";
import { snapshotRestored } from "./rows/snapshot-restored.ts";
import { hubImpostor } from "./rows/hub-impostor.ts";
import { nodeAsHub } from "./rows/node-as-hub.ts";
import { alteredCommandLine } from "./rows/altered-command-line.ts";
import { editedDataVolume } from "./rows/edited-data-volume.ts";
import { espCredential } from "./rows/esp-credential.ts";
import { extraGptPartition } from "./rows/extra-gpt-partition.ts";
import { foreignDbKey } from "./rows/foreign-db-key.ts";
import { fwCfgCredential } from "./rows/fw-cfg-credential.ts";
import { initrdSwapped } from "./rows/initrd-swapped.ts";
import { lookalike } from "./rows/lookalike.ts";
import { olderRelease } from "./rows/older-release.ts";
import { otherRole } from "./rows/other-role.ts";
import { rootBlockFlipped } from "./rows/root-block-flipped.ts";
import { rootDiskAbsent } from "./rows/root-disk-absent.ts";
import { secureBootOff } from "./rows/secure-boot-off.ts";
import { setupMode } from "./rows/setup-mode.ts";
import { sha1OnlyTpm } from "./rows/sha1-only-tpm.ts";
import { shellFirst } from "./rows/shell-first.ts";
import { smbiosCommandLine } from "./rows/smbios-command-line.ts";
import { smbiosCredential } from "./rows/smbios-credential.ts";
import { sysrqSerialBreak } from "./rows/sysrq-serial-break.ts";
import { ukiAddon } from "./rows/uki-addon.ts";
import { unsignedUki } from "./rows/unsigned-uki.ts";
import { verityFailureConsole } from "./rows/verity-failure-console.ts";
import { verityTreeSwapped } from "./rows/verity-tree-swapped.ts";

/** Every row of the matrix, in the order in which they run: CI's first. docs/attacks.md has one line each. */
export const ATTACKS: readonly Attack[] = [
  unsignedUki,
  alteredCommandLine,
  initrdSwapped,
  secureBootOff,
  espCredential,
  smbiosCredential,
  smbiosCommandLine,
  ukiAddon,
  rootBlockFlipped,
  shellFirst,
  sha1OnlyTpm,
  extraGptPartition,
  lookalike,
  foreignDbKey,
  setupMode,
  fwCfgCredential,
  verityTreeSwapped,
  olderRelease,
  otherRole,
  rootDiskAbsent,
  verityFailureConsole,
  sysrqSerialBreak,
  editedDataVolume,
  ...PROTOCOL_ATTACKS,
  clonedVtpm,
  snapshotRestored,
  hubImpostor,
  nodeAsHub,
];
