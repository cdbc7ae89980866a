import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ToolTree } from "../toolchain/toolchain-argv.ts";
import { KeysError } from "./error.ts";
import { fileBox } from "./file-box.ts";
import { KEY_FILES } from "./files.ts";
import type { KeyBox } from "./key-box.ts";
import { tokenBox } from "./token/token-box.ts";
import { parseTokenSettings } from "./token/token-settings.ts";

/** What opens a key directory: its passphrase, or its token's PIN with the tools to reach the token. */
export interface KeyAccess {
  readonly secret: string;
  /** Needed where {@link needsTools} says so. */
  readonly tools?: ToolTree | null | undefined;
}

/** Whether a key directory's private keys are in a token. */
export function needsTools(dir: string): boolean {
  return existsSync(join(dir, KEY_FILES.token));
}

/** Where a directory's private keys are. Nothing is opened yet. Throws KeysError. */
export async function openBox(dir: string, cluster: string, { secret, tools }: KeyAccess): Promise<KeyBox> {
  if (!needsTools(dir)) return fileBox(dir, secret);
  if (tools === undefined || tools === null) throw new KeysError("TOKEN_FAILED", `the keys of ${dir} are in a token, and this command has no tools to reach it`);
  const { kind: _kind, version: _version, objects, ...address } = await readSettings(join(dir, KEY_FILES.token));
  return tokenBox({ tools, address, pin: secret }, cluster, objects);
}

async function readSettings(path: string): Promise<ReturnType<typeof parseTokenSettings>> {
  const data = await readFile(path);
  try {
    return parseTokenSettings(data);
  } catch (cause) {
    throw new KeysError("DAMAGED", `${path} can't be read`, { cause });
  }
}
