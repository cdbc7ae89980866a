import { CONSOLE_CODES, type ConsoleCode } from "./console-codes.ts";

/** What a console says about a boot. */
export interface Diagnosis {
  readonly code: ConsoleCode;
  /** The line that it rests on, printable and bounded; empty where there is none. */
  readonly line: string;
}

const MAX_LINE = 240;
/** OVMF sets this mode of the terminal as often as it likes, but only before it starts anything: behind the last one is the last boot. */
const FIRMWARE_BEGINS = "\u001b[=3h";

/** A line of the console, or of one that the guest would like to be taken for one. */
const RULES: readonly (readonly [ConsoleCode, RegExp])[] = [
  ["FIRMWARE_REFUSED_IMAGE", /^BdsDxe: failed to load Boot\S+ .*: (Access Denied|Security Violation)$/],
  ["VERITY_CORRUPT", /device-mapper: verity: .*block \d+ is corrupted|dm-verity device (has been )?corrupted/],
  ["INIT_COMMAND_LINE", /^kubedos-init: the command line is not the sealed one/],
  ["INIT_NO_TPM", /^kubedos-init: (no TPM 2\.0 took|the TPM did not take)/],
  ["INIT_NO_ROOT", /^kubedos-init: no disk holds the partitions/],
  ["INIT_VERITY", /^kubedos-init: setting up dm-verity/],
  ["INIT_MOUNT", /^kubedos-init: (mounting|moving|changing to) /],
  ["INIT_FAILED", /^kubedos-init: /],
  ["KERNEL_PANIC", /Kernel panic - not syncing/],
  ["AGENT_FAILED", /^kubedos-agent\[\d+\]: kubedos: failed [A-Z0-9_]+: /],
];

/**
 * Reads a serial log (untrusted: bytes as latin1, of any content) and says what stopped its last boot. The first rule that any
 * line fits decides, and of those lines the first. Pure.
 */
export function diagnoseConsole(log: string): Diagnosis {
  const begins = log.lastIndexOf(FIRMWARE_BEGINS);
  const boot = begins < 0 ? log : log.slice(begins + FIRMWARE_BEGINS.length);
  const lines = consoleLines(boot);
  for (const [code, pattern] of RULES) {
    // What somebody typed may stand before the kernel's words, for a terminal echoes.
    const found = lines.map((text) => text.slice(Math.max(0, text.search(pattern)))).find((text) => pattern.test(text));
    if (found !== undefined) return { code, line: found };
  }
  return diagnoseQuiet(lines, log);
}

/** No line says what went wrong: how far did it come? */
function diagnoseQuiet(lines: readonly string[], log: string): Diagnosis {
  const last = (pattern: RegExp): string | undefined => lines.findLast((text) => pattern.test(text));
  const spoke = last(/^kubedos-agent\[\d+\]: kubedos: /);
  const off = last(/reboot: (Power down|System halted|Restarting system)/);
  if (off !== undefined) return { code: "POWERED_OFF", line: off };
  if (spoke !== undefined) return { code: "AGENT_SPOKE", line: spoke };
  const nothing = last(/^BdsDxe: No bootable option|^BdsDxe: failed to load Boot\S+ .*: Not Found$/);
  const started = last(/^BdsDxe: starting Boot/);
  if (started !== undefined && started === lines.at(-1)) return { code: "KERNEL_SILENT", line: started };
  if (nothing !== undefined && started === undefined) return { code: "NO_BOOTABLE_IMAGE", line: nothing };
  if (lines.length > 0 && started === undefined && lines.every((text) => text.startsWith("BdsDxe: "))) return { code: "FIRMWARE_SILENT", line: lines.at(-1) ?? "" };
  if (log.length === 0) return { code: "CONSOLE_EMPTY", line: "" };
  return lines.length === 0 ? { code: "FIRMWARE_SILENT", line: "" } : { code: "UNKNOWN", line: lines.at(-1) ?? "" };
}

/** A terminal's control sequences (ECMA-48: CSI and OSC), and the kernel's time in front of a line. */
const CONTROL = /\u001b\[[0-?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b]*(\u0007|\u001b\\)?|\u001b[@-Z\\-_]/g;
const KERNEL_TIME = /^\[ *\d+\.\d+\] /;

/** The lines of a serial log as a person may see them: no control sequences, nothing unprintable, none longer than {@link MAX_LINE}. */
export function consoleLines(log: string): readonly string[] {
  return log
    .replace(CONTROL, "")
    .split(/\r\n|\n|\r/)
    .map((line) => line.replace(KERNEL_TIME, "").replace(/[^\x20-\x7e]/g, "?").trimEnd().slice(0, MAX_LINE))
    .filter((line) => line !== "");
}

/** A diagnosis as one object, for programs. */
export function diagnosisObject({ code, line }: Diagnosis): { readonly code: ConsoleCode; readonly text: string; readonly cause: string; readonly next: string; readonly line: string } {
  const { text, cause, next } = CONSOLE_CODES[code];
  return { code, text, cause, next, line };
}

/** The same for people. */
export function diagnosisText({ code, line }: Diagnosis): string {
  const { text, cause, next } = CONSOLE_CODES[code];
  const rests = line === "" ? "" : `  line         ${line}\n`;
  return `${code}: ${text}\n${rests}  Usual cause: ${cause}\n  Next: ${next}\n`;
}
