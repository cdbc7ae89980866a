import { existsSync } from "node:fs";
import { copyFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Toolchain } from "../toolchain/ensure-toolchain.ts";
import type { Report } from "../toolchain/report.ts";
import { toolchainArgv } from "../toolchain/toolchain-argv.ts";
import { Child } from "./child.ts";
import { OVMF_CODE, OVMF_VARS } from "./ovmf.ts";
import type { Accel } from "./qemu-argv.ts";

const LIMIT_MS = 15_000;
let known: Promise<Accel> | undefined;

/**
 * KVM if it really works here, else TCG, with one line that says so; asked once a run. /dev/kvm may be there and refuse
 * SMM, or hang: so OVMF itself is started on it, and must come as far as looking for a disk.
 */
export function probeAccel(tc: Toolchain, report: Report): Promise<Accel> {
  known ??= probe(tc).then((why) => {
    report(why === undefined ? "guests run under KVM" : `guests run under TCG (slower): ${why}`);
    return why === undefined ? "kvm" : "tcg";
  });
  return known;
}

/** Why KVM can't be used, or undefined. */
async function probe(tc: Toolchain): Promise<string | undefined> {
  if (!existsSync("/dev/kvm")) return "this machine has no /dev/kvm";
  const dir = await mkdtemp(join(tmpdir(), "kubedos-kvm-"));
  const serial = join(dir, "serial");
  const vars = join(dir, "vars.fd");
  await copyFile(join(tc.tree, OVMF_VARS), vars);
  const argv = toolchainArgv(tc, [
    "qemu-system-x86_64", "-accel", "kvm", "-cpu", "host", "-machine", "q35,smm=on,vmport=off", "-m", "256",
    "-global", "driver=cfi.pflash01,property=secure,value=on", "-nodefaults", "-no-user-config", "-display", "none",
    "-drive", `if=pflash,unit=0,format=raw,readonly=on,file=${OVMF_CODE}`,
    "-drive", `if=pflash,unit=1,format=raw,file=${vars}`, "-serial", `file:${serial}`,
  ], { binds: [dir], devices: ["/dev/kvm"] });
  const child = new Child("QEMU", argv, join(dir, "log"));
  try {
    for (const end = Date.now() + LIMIT_MS; Date.now() < end; await sleep(100)) {
      if ((await readFile(serial, "latin1").catch(() => "")).includes("BdsDxe")) return undefined;
      if (!child.running) return `QEMU with KVM ended: ${await lastLine(join(dir, "log"), await child.exited)}`;
    }
    return `firmware under KVM did not start within ${LIMIT_MS / 1000} s`;
  } finally {
    await child.stop(0);
    await rm(dir, { recursive: true, force: true });
  }
}

async function lastLine(file: string, otherwise: string): Promise<string> {
  const lines = (await readFile(file, "utf8")).trim().split("\n");
  return lines.at(-1)?.slice(-200) || otherwise;
}
