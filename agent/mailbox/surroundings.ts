import type { Files } from "../ports.ts";

/** One mount as the kernel has it. */
export interface MountFact {
  readonly target: string;
  readonly type: string;
  readonly source: string;
}

/** `out/look.json`: what this boot was given from outside and what of it took effect. Names and public facts, no contents. */
export interface Surroundings {
  readonly id: number;
  /** `/proc/cmdline`: equals the sealed one, or init had not let the boot go on. */
  readonly cmdline: string;
  /** `FOLDER/NAME` of every credential that systemd imported or passed on. */
  readonly credentials: readonly string[];
  readonly mounts: readonly MountFact[];
  /** Devices and files that are swapped to. */
  readonly swaps: readonly string[];
}

const CREDENTIALS = "/run/credentials";
const MAX_CMDLINE = 8192;
const MAX_MOUNTINFO = 256 * 1024;

/** Reads {@link Surroundings}; `id` comes back, so that an old answer isn't taken for a new one. */
export async function lookAround(files: Files, id: number): Promise<Surroundings> {
  const folders = [...(await files.list(CREDENTIALS))].sort();
  const named = await Promise.all(folders.map(async (folder) => (await files.list(`${CREDENTIALS}/${folder}`)).map((name) => `${folder}/${name}`)));
  return {
    id,
    cmdline: (await readText(files, "/proc/cmdline", MAX_CMDLINE)).trim(),
    credentials: named.flat().sort(),
    mounts: parseMounts(await readText(files, "/proc/self/mountinfo", MAX_MOUNTINFO)),
    // One line of headings, then a line each.
    swaps: (await readText(files, "/proc/swaps", MAX_CMDLINE)).split("\n").slice(1).flatMap((line) => line.split(/\s/)[0] || []),
  };
}

async function readText(files: Files, path: string, max: number): Promise<string> {
  return new TextDecoder().decode((await files.read(path, max)) ?? new Uint8Array());
}

/** proc_pid_mountinfo(5): fields by blanks, the fifth is the target; type and source stand behind the lone hyphen. */
export function parseMounts(text: string): readonly MountFact[] {
  return text.split("\n").flatMap((line) => {
    const fields = line.split(" ");
    const hyphen = fields.indexOf("-", 6);
    const [target, type, source] = hyphen < 0 ? [] : [fields[4], fields[hyphen + 1], fields[hyphen + 2]];
    return target === undefined || type === undefined || source === undefined ? [] : [{ target, type, source }];
  });
}
