// `npm run attacks`: the attack matrix in real guests. It lives with the tests, which nothing of ours may import: so it is a process of its own.
import { spawn } from "node:child_process";

const child = spawn(process.execPath, [new URL("../test/attacks/run-attacks.ts", import.meta.url).pathname, ...process.argv.slice(2)], { stdio: "inherit" });
// Ctrl-C reaches both, and twice is once; the child tidies up, and this waits for it.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
child.once("exit", (code) => (process.exitCode = code ?? 1));
