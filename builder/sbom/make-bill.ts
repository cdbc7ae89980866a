import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Lock, LockedPackage } from "../lock/lock.ts";
import { type ImageInputs, overlaysOf, roleFiles, STUB } from "../release/assemble-image.ts";
import { AGENT, HUB } from "../release/compile-program.ts";
import { layersOf } from "../rootfs/assemble-role.ts";
import { unitEntries } from "../rootfs/enable-units.ts";
import type { Toolchain } from "../toolchain/ensure-toolchain.ts";
import type { Report } from "../toolchain/report.ts";
import type { Bill, BillProgram } from "./bill.ts";
import { type Contents, fileContent, sameContent } from "./content.ts";
import { debContents } from "./deb-contents.ts";
import { SbomError } from "./error.ts";
import { explainFiles } from "./explain-files.ts";
import { explainPackages } from "./explain-packages.ts";
import { explainUki } from "./explain-uki.ts";
import { rulesWith } from "./generated-files.ts";
import { ownContents } from "./own-contents.ts";
import { programPackages } from "./program-packages.ts";
import { withErofs } from "./read-erofs.ts";

/** A finished image and the inputs that it should be made of. */
export interface BillRequest {
  readonly inputs: ImageInputs;
  readonly rootHash: string;
  /** Path of the finished root file system. */
  readonly root: string;
  readonly signedUki: Uint8Array;
  readonly cacheDir: string;
  readonly report: Report;
  readonly signal?: AbortSignal;
}

const PROGRAMS = [AGENT, HUB];

/**
 * Takes a finished image apart and says for each file, package and part of it where it comes from. What comes from nowhere fails. Throws SbomError, LockError,
 * ToolError, PeError or WireError.
 */
export async function makeBill(tc: Toolchain, request: BillRequest): Promise<Bill> {
  const { inputs, rootHash, signedUki, cacheDir, report, signal } = request;
  const { lock } = tc;
  const role = inputs.role.name;
  report(`${role}: comparing the finished image with the lock`);
  const tree = await withErofs(request.root, ({ contents, read }) => ({ contents, packages: explainPackages(Buffer.from(read("/var/lib/dpkg/status")).toString(), lock, role) }));
  const debs = await debContents(tc, cacheDir, tree.packages.map((p) => p.locked), report, signal);
  const units = inputs.units.flatMap((unit) => unitEntries(unit, (path) => tree.contents.has(path)) ?? []);
  const explained = explainFiles({ contents: tree.contents, packages: debs, own: await ownContents(layersOf(overlaysOf(inputs)), roleFiles(inputs), units), generated: rulesWith(inputs.role.generated) });
  const [kernel, stub, gcc, libc] = [locked(lock, lock.kernel), locked(lock, lock.stub), locked(lock, "gcc"), locked(lock, "libc6-dev")];
  const boot = explainUki({
    uki: signedUki,
    stub: await checkedStub(tc, stub, request),
    stubPackage: stub.name,
    ...kernelOf(debs, kernel.name),
    compiler: `${gcc.name} ${gcc.version}`,
  });
  const programs: BillProgram[] = [];
  for (const program of PROGRAMS) {
    if (inputs.programs.some((p) => p.name === program.name)) programs.push({ path: `/usr/lib/kubedos/${program.name}`, packages: await programPackages(program) });
  }
  return {
    cluster: inputs.cluster,
    role,
    epoch: inputs.epoch,
    uki: fileContent(signedUki),
    rootHash,
    origins: lock.origins,
    packages: tree.packages.map((p) => ({ ...p, files: explained.packages.get(p.locked.name) ?? { present: 0, leftOut: 0 } })),
    bootPackages: [{ locked: stub, how: "the UKI's EFI stub" }, { locked: libc, how: "linked into the initrd's init, which is static" }],
    programs,
    boot,
    files: explained.unowned,
  };
}

function locked(lock: Lock, name: string): LockedPackage {
  const found = lock.packages.find((p) => p.name === name);
  if (found === undefined) throw new SbomError("PACKAGE_ABSENT", `the lock holds no package ${name}, which every boot image is made with`);
  return found;
}

/** The package with the kernel image itself: what the lock calls the kernel only depends on it. */
function kernelOf(debs: ReadonlyMap<string, Contents>, wanted: string): { readonly kernel: Contents; readonly kernelPackage: string } {
  const found = [...debs].find(([, files]) => [...files.keys()].some((path) => path.startsWith("/boot/vmlinuz-")));
  if (found === undefined) throw new SbomError("PACKAGE_ABSENT", `no package of the image holds a kernel, and the lock names ${wanted}`);
  return { kernelPackage: found[0], kernel: found[1] };
}

/** The stub that UKIs are made of, held against its package. */
async function checkedStub(tc: Toolchain, stub: LockedPackage, { cacheDir, report, signal }: BillRequest): Promise<Uint8Array> {
  const data = await readFile(join(tc.tree, STUB));
  const expected = (await debContents(tc, cacheDir, [stub], report, signal)).get(stub.name)?.get(`/${STUB}`);
  if (expected === undefined || !sameContent(expected, fileContent(data))) throw new SbomError("UKI_UNEXPLAINED", `the stub of the toolchain is not that of package ${stub.name} of the lock`);
  return data;
}
