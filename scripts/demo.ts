// `npm run demo`: the main job, from one ClusterSpec to a connected cluster and back.
import { mkdirSync } from "node:fs";
import { parseArgs } from "node:util";
import { down, hold, startKeeper } from "../demo/keep.ts";
import { Recorder } from "../demo/record.ts";
import { RECORDING_DIR } from "../demo/replay/recording.ts";
import { runReplay } from "../demo/replay/run-replay.ts";
import { DEMO_HOME, runDemo } from "../demo/run-demo.ts";

const HELP = `npm run demo [-- OPTIONS]

  (nothing)        build, boot, attest, approve, connect, refuse, revoke; ends everything
  --json           print the result as one JSON object, last on stdout
  --keep           leave the cluster running, and say how to reach it
  down             end a kept cluster
  --replay         the operator's side on recorded evidence: no root, no guests, seconds
  --record         the whole demo, and record its evidence anew for --replay
  --recording DIR  where the recording is (test/fixtures/first-boot)
`;

const abort = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    if (!abort.signal.aborted) process.stderr.write("\nkubedos: ending what was started\n");
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
    record: { type: "boolean", default: false },
    recording: { type: "string", default: RECORDING_DIR },
    help: { type: "boolean", short: "h", default: false },
    spec: { type: "string", default: new URL("../examples/demo.yaml", import.meta.url).pathname },
  },
});
const options = { json: values.json, specFile: values.spec, signal: abort.signal };

// A replay may run as anybody, also where the checkout can't be written.
if (!values.replay && !values.help) mkdirSync(DEMO_HOME, { recursive: true, mode: 0o700 });
if (values.help) process.stdout.write(HELP);
else if (values.replay) process.exitCode = await runReplay({ ...options, recording: values.recording });
else if (positionals[0] === "down") process.exitCode = await down();
else if (positionals.length > 0 || (values.record && values.keep)) {
  process.stderr.write(HELP);
  process.exitCode = 2;
} else if (values.keep) process.exitCode = await startKeeper(values.json ? ["--json"] : [], abort.signal);
else if (values.record) {
  const recorder = new Recorder(values.recording);
  process.exitCode = await runDemo({ ...options, after: (phase, demo) => recorder.after(phase, demo) });
} else process.exitCode = await runDemo(values.keeper ? { ...options, hold } : options);
