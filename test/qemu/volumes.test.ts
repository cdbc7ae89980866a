import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { open, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { hubHint } from "../../builder/deploy/guest-hint.ts";
import { tlsAnswers } from "../../builder/deploy/tls-answers.ts";
import { volumeFile } from "../../builder/guest/start-guest.ts";
import { makeFileSigner } from "../../builder/sign/signer.ts";
import { runTool } from "../../builder/toolchain/run-tool.ts";
import { addPcrSignatures, assembleUki } from "../../builder/uki/assemble.ts";
import { Demo } from "../../demo/demo.ts";
import { attestMaster, stampGuests } from "../../demo/line/hub.ts";
import { buildImages, makeKeys } from "../../demo/line/manufacture.ts";
import { Reporter } from "../../demo/report.ts";
import { DEMO_HOME } from "../../demo/run-demo.ts";
import { MAX_PCR_SIGNATURES_BYTES } from "../../proto/release/pcr-signatures.ts";
import { VOLUME_POLICY_PARTITION } from "../../proto/release/volume-policy.ts";
import { utf8 } from "../../proto/wire/bytes.ts";
import { ukiParts } from "../attacks/spoil/uki.ts";

t.setTimeout(12 * 60_000);
const BOOT_SECONDS = 180;
const state = mkdtempSync(join(tmpdir(), "kubedos-v-"));
const demo = new Demo({ report: new Reporter(), signal: new AbortController().signal, home: DEMO_HOME, state, specFile: "examples/demo.yaml" });
t.teardown(async () => {
  await demo.stop();
  const log = join(state, "master", "serial.log");
  if (!t.passing() && existsSync(log)) for (const line of readFileSync(log, "utf8").split("\n").slice(-80)) t.comment(line.replaceAll(/[^\x20-\x7e]/g, "?"));
  rmSync(state, { recursive: true, force: true });
});

/** The master's volume as its agent tells it, once it does. */
const volumes = () => demo.until("the master's volumes", BOOT_SECONDS, async () => {
  const status = await demo.status("master");
  return status === null || status.volumes.length === 0 ? null : status.volumes;
});
const hubAnswers = () => demo.until("the hub", BOOT_SECONDS, async () => ((await tlsAnswers("127.0.0.1", Number(demo.cluster.operatorAddress.split(":")[1]))) ? true : null));
const masterNode = async () => (await demo.nodes()).find((node) => node.name === "master");

/** Pulls the plug, and starts the machine anew, from another disk if one is named. */
async function restart(disk?: string): Promise<void> {
  await demo.cluster.guest("master").stop();
  const { host: address } = hubHint(demo.built.spec);
  await (disk === undefined ? demo.cluster.start("master") : demo.cluster.start("master", "master", { address, disk: { file: disk, format: "raw" } }));
}

/** The master's image with another os-release, signed by db: what a next release is to a machine. With `approved`, the policy key says so, too. */
async function otherImage(name: string, approved: boolean): Promise<string> {
  const { tc, keys, releaseDir } = demo.built;
  const signer = makeFileSigner(keys);
  const parts = await ukiParts(demo, "master");
  const unsigned = assembleUki({ ...parts, osrel: utf8(`${new TextDecoder().decode(parts.osrel)}IMAGE_VERSION=${name}\n`) });
  const uki = await signer.signUki(addPcrSignatures(unsigned, await signer.signPolicy({ purpose: "phase", uki: unsigned, role: "master" })), { role: "master", release: demo.built.release.id });
  const [out, file] = [join(state, `${name}.raw`), join(state, `${name}.efi`)];
  await writeFile(file, uki);
  await runTool(tc, ["qemu-img", "convert", "-O", "raw", join(releaseDir, "master/disk.qcow2"), out], { binds: [state], readBinds: [releaseDir] });
  await runTool(tc, ["mcopy", "-o", "-i", `${out}@@1M`, file, "::/EFI/BOOT/BOOTX64.EFI"], { binds: [state] });
  if (approved) await writePartition(out, await signer.signPolicy({ purpose: "volumes", uki, role: "master" }));
  return out;
}

/** Approvals into the partition that is there for them (GPT entries of 128 bytes from sector 2). */
async function writePartition(disk: string, approvals: Uint8Array): Promise<void> {
  const file = await open(disk, "r+");
  const entries = Buffer.alloc(8 * 128);
  await file.read(entries, 0, entries.length, 1024);
  const at = Array.from({ length: 8 }, (_, i) => entries.subarray(i * 128, (i + 1) * 128)).find((e) => e.toString("utf16le", 56, 128).replace(/\0+$/, "") === VOLUME_POLICY_PARTITION);
  if (at === undefined) throw new Error("the disk has no partition for approvals");
  const padded = Buffer.alloc(MAX_PCR_SIGNATURES_BYTES);
  padded.set(approvals);
  await file.write(padded, 0, padded.length, Number(at.readBigUInt64LE(32)) * 512);
  await file.close();
}

t.test("the master's volume opens after a power cut and by the next release, and by nothing else", async (t) => {
  for (const phase of [makeKeys, buildImages, stampGuests, attestMaster]) await phase(demo);
  t.same(await volumes(), [{ name: "hub", state: "open", made: true }], "made at the first boot");
  const before = await masterNode();
  t.equal(before?.state, "connected");

  await restart();
  t.same(await volumes(), [{ name: "hub", state: "open", made: false }], "opened after a power cut");
  await hubAnswers();
  const again = await demo.untilState(before?.ekName ?? "", ["connected"], BOOT_SECONDS);
  t.equal(again.id, before?.id, "the hub knew its own node by itself, with no delivery and no operator");
  const audit = await demo.hubJson<{ readonly items: readonly { readonly action: string }[] }>(["audit", "--limit", "1000"]);
  t.equal(audit.items.filter((row) => row.action === "deliver").length, 2, "the delivery of the first boot counted again");

  await restart(await otherImage("next", true));
  t.same(await volumes(), [{ name: "hub", state: "open", made: false }], "opened by an image that was approved");
  await hubAnswers();
  t.equal((await masterNode())?.id, before?.id);

  await restart(await otherImage("foreign", false));
  t.match(await volumes(), [{ name: "hub", state: "failed", code: "VOLUME_LOCKED" }], "an image that db signed and nobody approved");
  t.match((await demo.status("master"))?.node, { state: "unreachable", code: "VOLUME_FAILED" });
  t.notOk(await tlsAnswers("127.0.0.1", Number(demo.cluster.operatorAddress.split(":")[1])), "and no hub, rather than an empty one");

  const disk = await open(volumeFile(join(state, "master"), "hub"));
  const head = Buffer.alloc(1024 * 1024);
  await disk.read(head, 0, head.length, 0);
  await disk.close();
  t.equal(head.toString("latin1", 0, 4), "LUKS");
});
