import { PkiError } from "../../proto/pki/error.ts";
import { SpecError, type SpecFault } from "../../proto/spec/error.ts";
import { WireError } from "../../proto/wire/error.ts";
import { errorChain } from "../../proto/wire/error-chain.ts";
import { BundleError, type BundleErrorCode } from "../bundle/error.ts";
import { ContainerError, type ContainerErrorCode } from "../containers/error.ts";
import { DarksiteError, type DarksiteErrorCode } from "../darksite/error.ts";
import { DeployError, type DeployErrorCode } from "../deploy/error.ts";
import { BuildError, type BuildErrorCode } from "../error.ts";
import { FetchError, type FetchErrorCode } from "../fetch/error.ts";
import { KeysError, type KeysErrorCode } from "../keys/error.ts";
import { LockError, type LockErrorCode } from "../lock/error.ts";
import { PeError } from "../pe/error.ts";
import { SbomError, type SbomErrorCode } from "../sbom/error.ts";
import { SignerError, type SignerErrorCode } from "../sign/error.ts";
import { ToolError, type ToolErrorCode } from "../toolchain/error.ts";
import { describeFaults } from "./describe-faults.ts";
import { EXIT } from "./exit-codes.ts";

/** What a program says when it can't go on: one sentence, what to do next (may be empty), and its exit code. */
export interface Explanation {
  readonly message: string;
  readonly next: string;
  readonly exit: number;
  /** For `--json`. */
  readonly code: string;
  /** What stands at the terminal instead of the sentence, where it takes several lines. */
  readonly shown?: string;
  /** For `--json`: each fault of a spec. */
  readonly faults?: readonly SpecFault[];
}

const buildExits: Record<BuildErrorCode, number> = {
  USAGE: EXIT.usage,
  FILE_EXISTS: EXIT.conflict,
  UNKNOWN_NODE: EXIT.notFound,
  WRONG_CLUSTER: EXIT.usage,
  UNKNOWN_ROLE: EXIT.usage,
  ROLE_EXISTS: EXIT.conflict,
  BAD_ORIGIN_KEY: EXIT.refused,
  UNKNOWN_UNIT: EXIT.usage,
  UNNUMBERED_ACCOUNT: EXIT.usage,
  TOO_LITTLE_MEMORY: EXIT.usage,
  MISSING_SOURCE: EXIT.unavailable,
  RELEASE_DIFFERS: EXIT.conflict,
  INDEX_BROKEN: EXIT.refused,
  INDEX_SHORT: EXIT.refused,
  NO_RELEASE: EXIT.notFound,
  VERIFY_REFUSED: EXIT.refused,
};

const keysExits: Record<KeysErrorCode, number> = {
  EXISTS: EXIT.conflict,
  NOT_FOUND: EXIT.notFound,
  WRONG_PASSPHRASE: EXIT.permission,
  POOR_PASSPHRASE: EXIT.usage,
  DAMAGED: EXIT.refused,
  READABLE_BY_OTHERS: EXIT.permission,
  IN_USE: EXIT.conflict,
  STRANDS_CLUSTER: EXIT.refused,
  TOKEN_FAILED: EXIT.unavailable,
};

const signerExits: Record<SignerErrorCode, number> = {
  NOT_OPEN: EXIT.permission,
  OTHER_CLUSTER: EXIT.usage,
  NOT_OURS: EXIT.refused,
  MALFORMED: EXIT.refused,
  LOG_BROKEN: EXIT.refused,
  SIGNER_GONE: EXIT.failed,
  BAD_FRAME: EXIT.failed,
  SIGNER_FAILED: EXIT.failed,
};

const signerNext: Partial<Record<SignerErrorCode, string>> = {
  LOG_BROKEN: "find out who changed it: compare the key directory with its copy; nothing is signed until then",
  SIGNER_GONE: "run the command again; if it ends again, its own words above say why",
};

const lockExits: Record<LockErrorCode, number> = {
  BAD_LOCK: EXIT.refused,
  LOCK_STALE: EXIT.conflict,
  LOCK_DIFFERS: EXIT.conflict,
  NO_SUCH_PACKAGE: EXIT.notFound,
  UNRESOLVABLE: EXIT.failed,
  ARCHIVE_UNREACHABLE: EXIT.unavailable,
  ARCHIVE_UNVERIFIED: EXIT.refused,
  DEB_GONE: EXIT.unavailable,
  DEB_UNREACHABLE: EXIT.unavailable,
  DEB_DIFFERS: EXIT.refused,
  TREE_DIFFERS: EXIT.failed,
  BAD_WANTS: EXIT.usage,
};

const fetchExits: Record<FetchErrorCode, number> = {
  SOURCE_UNREACHABLE: EXIT.unavailable,
  SOURCE_GONE: EXIT.notFound,
  SOURCE_DENIED: EXIT.permission,
  SOURCE_DIFFERS: EXIT.refused,
  SOURCE_BAD: EXIT.refused,
};

const bundleExits: Record<BundleErrorCode, number> = {
  NO_RELEASE: EXIT.notFound,
  WHICH_RELEASE: EXIT.usage,
  NOT_REBUILDABLE: EXIT.notFound,
  OTHER_BUILDER: EXIT.conflict,
  NOT_SIGNED: EXIT.refused,
};

const darksiteExits: Record<DarksiteErrorCode, number> = {
  DARKSITE_UNFINISHED: EXIT.notFound,
  DARKSITE_DIFFERS: EXIT.refused,
  DARKSITE_UNSIGNED: EXIT.refused,
  DARKSITE_FORGED: EXIT.refused,
  DARKSITE_LACKS: EXIT.unavailable,
  DARKSITE_BUSY: EXIT.conflict,
};

const containerExits: Record<ContainerErrorCode, number> = {
  IMAGE_UNREADABLE: EXIT.refused,
  IMAGE_TOO_LARGE: EXIT.refused,
  PACKAGES_UNREADABLE: EXIT.refused,
};

const sbomExits: Record<SbomErrorCode, number> = {
  FILE_UNEXPLAINED: EXIT.refused,
  FILE_DIFFERS: EXIT.refused,
  PACKAGE_UNEXPLAINED: EXIT.refused,
  PACKAGE_ABSENT: EXIT.refused,
  UKI_UNEXPLAINED: EXIT.refused,
};

const deployExits: Record<DeployErrorCode, number> = {
  GUEST_SILENT: EXIT.timeout,
  GUEST_ENDED: EXIT.failed,
  WRONG_EK: EXIT.refused,
  HUB_REFUSED: EXIT.refused,
  BAD_ANSWER: EXIT.refused,
  WRONG_OPERATOR: EXIT.refused,
  BAD_EK_ROOTS: EXIT.usage,
  OTHER_CLUSTER: EXIT.conflict,
  FOREIGN_FOLDER: EXIT.conflict,
  STATE_IN_USE: EXIT.conflict,
  NOT_DEPLOYED: EXIT.notFound,
  STOPPED: EXIT.interrupted,
};

const deployNext: Partial<Record<DeployErrorCode, string>> = {
  OTHER_CLUSTER: "take another --state, or delete this one with kubedos-build destroy qemu",
  WRONG_EK: "if you replaced it yourself: kubedos-build destroy qemu, then deploy again, and let the hub forget the old machine",
  WRONG_OPERATOR: "kubedos-build operator issue NAME --keys DIR --out DIR",
};

const keysNext: Partial<Record<KeysErrorCode, string>> = {
  EXISTS: "choose another --dir, or move the old one away",
  NOT_FOUND: "kubedos-build keys init --dir DIR --cluster NAME",
  STRANDS_CLUSTER: "read docs/keys.md; where that is meant: --accept-risk stranded",
  TOKEN_FAILED: "look at the PIN, the token's label and what its module needs (token.json in the key directory)",
};

const toolNext: Partial<Record<ToolErrorCode, string>> = { MISSING: "install it and run the command again", FOREIGN_CACHE: "choose a folder of your own with --cache DIR" };

const toolExits: Record<ToolErrorCode, number> = { MISSING: EXIT.unavailable, FAILED: EXIT.failed, TIMEOUT: EXIT.timeout, ABORTED: EXIT.interrupted, FOREIGN_CACHE: EXIT.permission };

/** What the kernel (ENOSPC, EDQUOT) and every tool says of a full disk. */
const NO_SPACE = /No space left on device|Disk quota exceeded|ENOSPC|EDQUOT/i;

/** Any error → what a person is told. What is none of ours is shown as it is. */
export function explainError(e: unknown): Explanation {
  if (e instanceof Error && NO_SPACE.test(e.message)) {
    return { message: `the disk is full; what was half made is gone (${e.message})`, next: "make room, or choose another --out or --cache", exit: EXIT.failed, code: "NO_SPACE" };
  }
  if (e instanceof SpecError) return { message: e.message, shown: describeFaults(e), next: "", exit: EXIT.usage, code: e.code, faults: e.faults };
  if (e instanceof BuildError) return { message: e.message, next: e.next, exit: buildExits[e.code], code: e.code };
  if (e instanceof LockError) return { message: e.message, next: e.next, exit: lockExits[e.code], code: e.code };
  if (e instanceof SbomError) return { message: e.message, next: e.next, exit: sbomExits[e.code], code: e.code };
  if (e instanceof ContainerError) return { message: e.message, next: e.next, exit: containerExits[e.code], code: e.code };
  if (e instanceof FetchError) return { message: e.message, next: e.next, exit: fetchExits[e.code], code: e.code };
  if (e instanceof BundleError) return { message: e.message, next: e.next, exit: bundleExits[e.code], code: e.code };
  if (e instanceof DarksiteError) return { message: e.message, next: e.next, exit: darksiteExits[e.code], code: e.code };
  if (e instanceof KeysError) return { message: e.message, next: keysNext[e.code] ?? "", exit: keysExits[e.code], code: e.code };
  if (e instanceof SignerError) return { message: e.message, next: signerNext[e.code] ?? "", exit: signerExits[e.code], code: e.code };
  if (e instanceof DeployError) return { message: e.message, next: deployNext[e.code] ?? "", exit: deployExits[e.code], code: e.code };
  if (e instanceof ToolError && e.code === "ABORTED") return { message: "stopped; what was half made is gone", next: "", exit: EXIT.interrupted, code: e.code };
  if (e instanceof ToolError) return { message: e.message, next: toolNext[e.code] ?? "", exit: toolExits[e.code], code: e.code };
  if (e instanceof PeError && e.code === "UNKNOWN_STUB") return { message: e.message, next: "if it measures like a known one: kubedos-build measure UKI --keys DIR --stub-version VERSION", exit: EXIT.refused, code: e.code };
  if (e instanceof PeError || e instanceof WireError || e instanceof PkiError) return { message: e.message, next: "", exit: EXIT.refused, code: e.code };
  if (e instanceof Error && "code" in e && e.code === "ENOENT") return { message: e.message, next: "", exit: EXIT.notFound, code: "ENOENT" };
  if (e instanceof Error && "code" in e && (e.code === "EACCES" || e.code === "EPERM")) return { message: e.message, next: "run it as root or with sudo", exit: EXIT.permission, code: e.code };
  return { message: errorChain(e), next: "", exit: EXIT.failed, code: "FAILED" };
}
