import { resolve } from "node:path";
import type { Command } from "commander";
import type { ClusterSpec } from "../../../proto/spec/schema.ts";
import { type DeployEvent, describeEvent } from "../../deploy/deploy-event.ts";
import { readEkTrust } from "../../deploy/read-ek-trust.ts";
import { runDeployment } from "../../deploy/run-deployment.ts";
import { BuildError } from "../../error.ts";
import { readPublicKeys } from "../../keys/read-public-keys.ts";
import { withSigner } from "../../sign/process/with-signer.ts";
import { defaultCacheDir, ensureToolchain } from "../../toolchain/ensure-toolchain.ts";
import type { CliIo } from "../cli-io.ts";
import { type KeyOptions, readKeyAccess } from "../key-access.ts";
import { addPassphraseOptions } from "../passphrase.ts";
import { readSpec } from "./spec-validate.ts";

interface Options extends KeyOptions {
  readonly release: string;
  readonly operator: string;
  readonly state: string;
  readonly only?: readonly string[];
  readonly json?: boolean;
}

/** `kubedos-build deploy qemu`. */
export function addDeployQemu(deploy: Command, io: CliIo): void {
  const command = deploy
    .command("qemu")
    .summary("stamp and run the cluster's guests on this host")
    .description(
      "Makes a vTPM for each node and pins its EK, boots the master, attests it over its guest agent, certifies its hub, then boots the others.\n" +
        "It stays in the foreground and says each change. The guests belong to it: they end with it, however it ends; Ctrl-C ends all cleanly.\n" +
        "Their TPMs stay in the state folder, so the next deploy finds the same machines; what guests wrote on their disks does not.",
    )
    .argument("<spec>", "the ClusterSpec (YAML), with targets.qemu")
    .requiredOption("--release <dir>", "folder of the release, as `build` printed it")
    .requiredOption("--keys <dir>", "the cluster's key directory")
    .requiredOption("--operator <dir>", "folder of the operator who signs for the hub's own node")
    .requiredOption("--state <dir>", "folder for this cluster's guests; made when absent")
    .option("--cache <dir>", "where the toolchain is", (dir: string) => resolve(dir), defaultCacheDir)
    .option("--only <name...>", "boot only these nodes beside the master; all are stamped")
    .option("--json", "print each change as one object, a line each, on stdout")
    .addHelpText(
      "after",
      "\nExample:\n" +
        "  kubedos-build deploy qemu examples/demo.yaml --release out/demo/4f0c… --keys keys --operator alice --state /var/tmp/demo\n" +
        "  kubedos-hub window open --hub 127.0.0.1:PORT --identity alice    # in another terminal, with the port that was printed",
    );
  addPassphraseOptions(command).action(async (file: string, options: Options) => {
    const spec = await readSpec(file, io.report);
    checkTarget(spec, options.only ?? []);
    const ekTrust = await readEkTrust(spec, file, io.now());
    const keys = await readPublicKeys(options.keys);
    if (keys.cluster !== spec.metadata.name) throw new BuildError("WRONG_CLUSTER", `the spec is for cluster "${spec.metadata.name}", the keys are for "${keys.cluster}"`);
    const { report, signal } = io;
    const request = {
      spec,
      ekTrust,
      keys,
      releaseDir: resolve(options.release),
      operatorDir: resolve(options.operator),
      stateDir: resolve(options.state),
      only: options.only ?? null,
      toolchain: () => ensureToolchain(options.cache, report, signal),
      emit: options.json === true ? (event: DeployEvent) => io.out(`${JSON.stringify(event)}\n`) : (event: DeployEvent) => sayEvent(event, io),
      report,
      signal,
    };
    const access = await readKeyAccess(options, io);
    await withSigner({ ...access, purposes: ["pins", "delivery", "hub-issuer", "node-issuer"] }, (signer) => runDeployment({ ...request, signer }));
  });
}

function checkTarget(spec: ClusterSpec, only: readonly string[]): void {
  if (spec.targets.qemu === undefined) throw new BuildError("USAGE", `the spec has no targets.qemu, so it isn't meant to run on this host`);
  const unknown = only.find((name) => !spec.topology.nodes.some((node) => node.name === name));
  if (unknown !== undefined) throw new BuildError("USAGE", `the spec has no node "${unknown}"`);
}

/** What somebody goes on with is data, on stdout; the rest is prose. */
function sayEvent(event: DeployEvent, { out, report }: CliIo): void {
  if (event.event !== "stamped") report(describeEvent(event));
  if (event.event === "stamped") {
    for (const { name, role, ekName } of event.slots) out(`${name.padEnd(20)} ${role.padEnd(12)} ${ekName}\n`);
    report(`every slot's EK is pinned in ${event.pins}`);
  }
  if (event.event === "hub") {
    out(`kubedos-hub pending --hub ${event.hub} --identity ${event.identity}\n`);
    report("that is how the hub is reached; Ctrl-C ends the guests");
  }
}
