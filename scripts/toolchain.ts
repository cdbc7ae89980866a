// Makes the pinned toolchain tree (QEMU, swtpm, OVMF, ukify, ...) if this checkout has none yet.
import { ensureToolchain } from "../builder/toolchain/ensure-toolchain.ts";

const root = new URL("..", import.meta.url).pathname;
await ensureToolchain(`${root}.cache`, (line: string) => process.stderr.write(`kubedos: ${line}\n`));
