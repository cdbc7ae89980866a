// `npm run demo`: the main job, from one ClusterSpec to a connected cluster and back.
import { mkdirSync } from "node:fs";
import { parseArgs } from "node:util";
import { down, hold, startKeeper } from "../demo/keep.ts";
import { DEMO_HOME, runDemo } from "../demo/run-demo.ts";

const HELP = `npm run demo [-- OPTIONS]

  (nothing)        build, boot, attest, approve, connect, refuse, revoke; ends everything
  --json           print the result as one JSON object, last on stdout
  --keep           leave the cluster running, and say how to reach it
  down             end a kept cluster
  --replay         the operator's side on recorded evidence: no root, no guests, seconds
`;

const abort = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    if (!abort.signal.aborted) process.stderr.write("\nkubedos: ending the guests\n");
    abort.abort();
  });
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "boolean", default: false },
    keep: { type: "boolean", default: false },
    keeper: { type: "boolean", default: false },
    replay: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
    spec: { type: "string", default: new URL("../examples/demo.yaml", import.meta.url).pathname },
  },
});
mkdirSync(DEMO_HOME, { recursive: true, mode: 0o700 });
const options = { json: values.json, specFile: values.spec, signal: abort.signal };

if (values.help) process.stdout.write(HELP);
else if (positionals[0] === "down") process.exitCode = await down();
else if (positionals.length > 0) {
  process.stderr.write(HELP);
  process.exitCode = 2;
} else if (values.keep) process.exitCode = await startKeeper(values.json ? ["--json"] : [], abort.signal);
else process.exitCode = await runDemo(values.keeper ? { ...options, hold } : options);
