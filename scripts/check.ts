// Type-checks every project in the order of its references: an import across a forbidden border fails here.
import { spawnSync } from "node:child_process";

const root = new URL("..", import.meta.url).pathname;
const projects = ["proto", "hub/attest", "hub", "agent", "builder", "bench", "test", "demo", "scripts"];
const argv = ["node_modules/typescript/bin/tsc", "--build", ...projects];
const result = spawnSync(process.execPath, argv, { cwd: root, stdio: "inherit" });
process.exitCode = result.status ?? 1;
