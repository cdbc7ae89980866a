import { randomBytes } from "node:crypto";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { z } from "zod";
import { secureBootStore } from "../../builder/efi/secure-boot-store.ts";
import { secureBootVariables } from "../../builder/efi/secure-boot-variables.ts";
import { signVariable } from "../../builder/efi/sign-variable.ts";
import { AUTHENTICATED, type EfiVariable } from "../../builder/efi/variable.ts";
import { Child } from "../../builder/guest/child.ts";
import { OVMF_CODE } from "../../builder/guest/ovmf.ts";
import { probeAccel } from "../../builder/guest/probe-kvm.ts";
import { cpioArchive } from "../../builder/initrd/cpio.ts";
import { openBox } from "../../builder/keys/open-box.ts";
import { initKeys } from "../../builder/keys/init-keys.ts";
import { openKeys, publicOf } from "../../builder/keys/open-keys.ts";
import type { PrivateKey } from "../../builder/keys/private-key.ts";
import { rotateKeys } from "../../builder/keys/rotate-keys.ts";
import { ensureBase } from "../../builder/rootfs/ensure-base.ts";
import { signPe } from "../../builder/sign/sign-pe.ts";
import { defaultCacheDir, ensureToolchain } from "../../builder/toolchain/ensure-toolchain.ts";
import { runTool } from "../../builder/toolchain/run-tool.ts";
import { toolchainArgv } from "../../builder/toolchain/toolchain-argv.ts";
import { assembleUki } from "../../builder/uki/assemble.ts";
import { concatBytes, utf8 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";

const LIMIT_MS = 180_000;
t.setTimeout(LIMIT_MS + 60_000);

const tc = await ensureToolchain(defaultCacheDir, (line) => t.comment(line));
const base = await ensureBase(defaultCacheDir, tc, (line) => t.comment(line));
const dir = mkdtempSync(join(tmpdir(), "kubedos-updates-"));
t.teardown(() => rmSync(dir, { recursive: true }));
const at = (name: string) => join(dir, name);
const secret = randomBytes(24).toString("base64url");
await initKeys({ dir: at("keys"), cluster: "demo", passphrase: secret, now: new Date("2026-06-01T00:00:00Z") });
cpSync(at("keys"), at("before"), { recursive: true });
chmodSync(at("before"), 0o700);

const before = await openKeys(at("before"), secret);
const above = async (name: "pk" | "kek"): Promise<PrivateKey> => await (await openBox(at("before"), "demo", { secret })).open(name, publicOf(before[name]));
const rotate = async (what: "db" | "kek" | "pk", day: number): Promise<Uint8Array> => {
  const { update } = await rotateKeys({ dir: at("keys"), access: { secret }, what, uid: 0, now: new Date(Date.UTC(2026, 6, day)), acceptStranded: false });
  return readFileSync(update ?? "");
};
const updates = { db: await rotate("db", 1), kek: await rotate("kek", 2), pk: await rotate("pk", 3) };
const after = await openKeys(at("keys"), secret);

const { db } = secureBootVariables(before);
const later = (day: number): EfiVariable => ({ ...secureBootVariables(before).db, time: new Date(Date.UTC(2026, 7, day)) });
const spoiled = Uint8Array.from(updates.db);
spoiled[spoiled.length - 1] = (spoiled.at(-1) ?? 0) ^ 1;

/** In their order: variable, update, and whether firmware should take it. */
const cases: readonly (readonly [string, "PK" | "KEK" | "db", Uint8Array, boolean])[] = [
  ["db by the db key itself", "db", await signVariable(later(1), before.dbKey, before.db), false],
  ["db by KEK, one bit changed afterwards", "db", spoiled, false],
  ["db by KEK, as keys rotate writes it", "db", updates.db, true],
  ["the older db again, by KEK", "db", await signVariable(db, await above("kek"), before.kek), false],
  ["KEK by PK, as keys rotate writes it", "KEK", updates.kek, true],
  ["db by the KEK that was replaced", "db", await signVariable(later(2), await above("kek"), before.kek), false],
  ["PK by PK, as keys rotate writes it", "PK", updates.pk, true],
  ["KEK by the PK that was replaced", "KEK", await signVariable({ ...secureBootVariables(before).kek, time: new Date(Date.UTC(2026, 7, 3)) }, await above("pk"), before.pk), false],
];

/** What the guest has to write, as efivarfs takes it: attributes, then the update. */
function updateFile(i: number): { readonly name: string; readonly data: Uint8Array } {
  const [, variable, update] = cases[i] ?? ["", "db", new Uint8Array()];
  const vendor = variable === "db" ? "d719b2cb-3d3a-4596-a3bc-dad00e67656f" : "8be4df61-93ca-11d2-aa0d-00e098032b8c";
  return { name: `${String(i).padStart(2, "0")}.${variable}-${vendor}`, data: concatBytes(Uint8Array.of(AUTHENTICATED, 0, 0, 0), update) };
}

async function bootFile(): Promise<Uint8Array> {
  const source = readFileSync(new URL("write-variables.c", import.meta.url));
  await runTool(tc, ["gcc", "-static", "-Os", "-Wall", "-Wextra", "-Werror", "-o", at("init"), "-x", "c", "-"], { binds: [dir], input: source });
  const module = join(base.tree, "usr/lib/modules", base.kernelRelease, "kernel/fs/efivarfs/efivarfs.ko");
  const initrd = cpioArchive([
    { type: "folder", path: "dev", mode: 0o755 },
    { type: "device", path: "dev/console", mode: 0o600, major: 5, minor: 1 },
    { type: "folder", path: "sys", mode: 0o755 },
    { type: "file", path: "init", mode: 0o500, data: readFileSync(at("init")) },
    { type: "file", path: "efivarfs.ko", mode: 0o400, data: readFileSync(module) },
    { type: "folder", path: "updates", mode: 0o700 },
    ...cases.map((_, i) => ({ type: "file", path: `updates/${updateFile(i).name}`, mode: 0o400, data: updateFile(i).data }) as const),
  ]);
  const stub = readFileSync(join(tc.tree, "usr/lib/systemd/boot/efi/linuxx64.efi.stub"));
  const uki = assembleUki({ stub, osrel: utf8("ID=kubedos\n"), cmdline: utf8("console=ttyS0 panic=-1 quiet"), uname: utf8(base.kernelRelease), initrd, linux: readFileSync(base.kernel) });
  return await signPe(uki, before.dbKey, before.db);
}

/** Boots the program under our own variable store; its console. */
async function boot(): Promise<string> {
  mkdirSync(at("esp/EFI/BOOT"), { recursive: true });
  writeFileSync(at("esp/EFI/BOOT/BOOTX64.EFI"), await bootFile());
  writeFileSync(at("vars.fd"), secureBootStore(before));
  const accel = await probeAccel(tc, (line) => t.comment(line));
  const argv = toolchainArgv(tc, [
    "qemu-system-x86_64", ...(accel === "kvm" ? ["-accel", "kvm", "-cpu", "host"] : ["-accel", "tcg,thread=multi", "-cpu", "max"]),
    "-machine", "q35,smm=on,vmport=off", "-m", "512", "-global", "driver=cfi.pflash01,property=secure,value=on",
    "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
    "-drive", `if=pflash,unit=0,format=raw,readonly=on,file=${OVMF_CODE}`, "-drive", `if=pflash,unit=1,format=raw,file=${at("vars.fd")}`,
    "-drive", `if=none,id=esp,format=raw,readonly=on,file=fat:${at("esp")}`, "-device", "virtio-blk-pci,drive=esp,bootindex=1", "-serial", `file:${at("serial")}`,
  ], { binds: [dir], devices: accel === "kvm" ? ["/dev/kvm"] : [] });
  const child = new Child("QEMU", argv, at("qemu.log"));
  const late = setTimeout(() => void child.stop(0), LIMIT_MS);
  try {
    await child.exited;
  } finally {
    clearTimeout(late);
  }
  return existsSync(at("serial")) ? readFileSync(at("serial"), "latin1") : readFileSync(at("qemu.log"), "utf8");
}

const dump = z.object({ variables: z.array(z.object({ name: z.string(), data: z.string() })) });

t.test("OVMF takes our updates, by the right key and newer than what it has, and no other", async (t) => {
  const said = await boot();
  t.match(said, /DONE/, "it came to its end");
  for (const [i, [what, , , good]] of cases.entries()) {
    const answer = new RegExp(`UPDATE ${updateFile(i).name} (.*?)\r?\n`).exec(said)?.[1];
    if (good) t.equal(answer, "taken", what);
    else t.match(answer, /denied|not permitted|Invalid/, what);
  }
  await runTool(tc, ["virt-fw-vars", "-i", at("vars.fd"), "--output-json", at("after.json")], { binds: [dir] });
  const held = new Map(dump.parse(JSON.parse(readFileSync(at("after.json"), "utf8"))).variables.map((v) => [v.name, v.data]));
  const { pk, kek, db: newDb } = secureBootVariables(after);
  for (const { name, data } of [pk, kek, newDb]) t.equal(held.get(name), toHex(data), `${name} is the rotated one`);
});
