import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Test } from "tap";
import { makeDisk } from "../../builder/disk/make-disk.ts";
import { initKeys } from "../../builder/keys/init-keys.ts";
import { type OpenKeys, openKeys } from "../../builder/keys/open-keys.ts";
import type { Lock } from "../../builder/lock/lock.ts";
import { predictPcrs } from "../../builder/measure/predict.ts";
import type { OutFolder } from "../../builder/out/append-index.ts";
import type { ImageInputs } from "../../builder/release/assemble-image.ts";
import { fileDigest } from "../../builder/release/read-release.ts";
import { sealRelease } from "../../builder/release/seal-release.ts";
import type { RoleDefinition } from "../../builder/roles/role.ts";
import type { BaseTree } from "../../builder/rootfs/ensure-base.ts";
import type { RoleTree } from "../../builder/rootfs/ensure-layer.ts";
import { makeFileSigner, type Signer } from "../../builder/sign/signer.ts";
import { defaultCacheDir, ensureToolchain, type Toolchain } from "../../builder/toolchain/ensure-toolchain.ts";
import { assembleUki } from "../../builder/uki/assemble.ts";
import type { Release } from "../../proto/release/release.ts";
import { utf8 } from "../../proto/wire/bytes.ts";

/** The epoch of {@link sealing}'s releases. */
export const SEALED_EPOCH = 1_767_225_600;
/** Opens {@link Sealing.keys}. */
export const SEALED_PASSPHRASE = "correct horse battery";

/** A folder in which releases of one role with a tiny image are sealed by the real thing. */
export interface Sealing {
  readonly tc: Toolchain;
  readonly keys: OpenKeys;
  readonly signer: Signer;
  /** What the one image would be made of. */
  readonly inputs: ImageInputs;
  readonly rootHash: string;
  /** A path in the folder, which goes with the test. */
  readonly at: (name: string) => string;
  /** Seals `OUT/demo/ID`; `by` is another signer of the same keys. */
  readonly seal: (out: string, id: string, generation?: number, by?: Signer) => Promise<Release>;
  readonly outFolder: (out: string) => OutFolder;
}

/** A folder of the test's own, with keys in it. */
export async function sealing(t: Test): Promise<Sealing> {
  const root = mkdtempSync(join(tmpdir(), "kubedos-seal-"));
  t.teardown(() => rmSync(root, { recursive: true }));
  await initKeys({ dir: join(root, "keys"), cluster: "demo", passphrase: SEALED_PASSPHRASE, now: new Date() });
  return openSealing(root, (line) => t.comment(line));
}

/** Makes an unsigned UKI in `unsigned.efi`, and what seals releases of it with the folder's `keys`; `lock` is what they say to be made of, the toolchain's own by itself. */
export async function openSealing(root: string, report: (line: string) => void, lock?: Lock): Promise<Sealing> {
  const tc = await ensureToolchain(defaultCacheDir, report);
  const at = (name: string) => join(root, name);
  const efi = (name: string) => readFileSync(join(tc.tree, "usr/lib/systemd/boot/efi", name));
  const keys = await openKeys(at("keys"), SEALED_PASSPHRASE);
  const signer = makeFileSigner(keys);
  writeFileSync(at("root.erofs"), Buffer.alloc(1 << 20, "root"));
  writeFileSync(at("root.verity"), Buffer.alloc(1 << 14, "verity"));
  const rootHash = createHash("sha256").update("root").digest("hex");
  const cmdline = utf8(`roothash=${rootHash}`);
  writeFileSync(at("unsigned.efi"), assembleUki({ stub: efi("linuxx64.efi.stub"), linux: efi("systemd-bootx64.efi"), osrel: utf8("ID=x\nIMAGE_ID=demo-worker\n"), uname: utf8("6.12"), initrd: utf8("i"), cmdline }));
  const signedUki = await signer.signUki(readFileSync(at("unsigned.efi")), { role: "worker", release: "0123456789abcdef" });
  const assembled = { role: "worker", key: "0", root: at("root.erofs"), verity: at("root.verity"), rootHash, uki: at("unsigned.efi"), missing: [{ program: "Grafana", why: "nobody has it" }], volumes: [] };
  const sbom = { spdx: utf8(SPDX), cyclonedx: utf8('{"bomFormat":"CycloneDX","metadata":{"component":{"name":"demo-worker"}}}') };
  writeFileSync(at("signed.efi"), signedUki);
  const writeDisk = async (out: string) => {
    await makeDisk(tc, { ...assembled, uki: at("signed.efi"), volumePolicy: null, epoch: SEALED_EPOCH, out });
    return fileDigest(out);
  };
  const inputs = { cluster: "demo", role: { name: "worker" } as RoleDefinition, config: utf8("{}"), programs: [], base: {} as BaseTree, layer: {} as RoleTree, units: [], overlay: "", policyKey: utf8(""), missing: [], packages: "", recipe: "ab".repeat(32), epoch: SEALED_EPOCH };
  const plan = { images: [inputs], lock: lock ?? tc.lock, recipe: "cd".repeat(32) };
  const request = { cluster: "demo", epoch: SEALED_EPOCH, images: [{ assembled, signedUki, pcrs: predictPcrs(signedUki, keys), sbom, writeDisk }], plan, keys, keysDir: at("keys") };
  const seal = (out: string, id: string, generation = 3, by: Signer = signer) => sealRelease(by, { ...request, id, generation, dir: at(`${out}/demo/${id}`) });
  return { tc, keys, signer, inputs, rootHash, at, seal, outFolder: (out) => ({ dir: at(`${out}/demo`), cluster: "demo", releaseKeys: keys.releaseKeys, signer }) };
}

const SPDX = JSON.stringify({
  spdxVersion: "SPDX-2.3",
  name: "kubedos-demo-worker",
  packages: [{ SPDXID: "SPDXRef-Image", name: "demo-worker", versionInfo: "00" }, { SPDXID: "SPDXRef-Deb-libc6", name: "libc6", versionInfo: "2.41-12" }],
  files: [{ fileName: "./etc/hosts", comment: "rootfs-overlay" }],
});
