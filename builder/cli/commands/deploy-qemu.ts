import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { masterOf } from "../../deploy/guest-hint.ts";
import { openCluster } from "../../deploy/open-cluster.ts";
import { lockState, STATE_FILES } from "../../deploy/state-folder.ts";
import { BuildError } from "../../error.ts";
import { openKeys } from "../../keys/open-keys.ts";
import { defaultCacheDir, ensureToolchain } from "../../toolchain/ensure-toolchain.ts";
import type { CliIo } from "../cli-io.ts";
import { addPassphraseOptions, type PassphraseOptions, readPassphrase } from "../passphrase.ts";
import { readSpec } from "./spec-validate.ts";

interface Options extends PassphraseOptions {
  readonly release: string;
  readonly keys: string;
  readonly operator: string;
  readonly state: string;
  readonly cache: string;
  readonly only?: string[];
}

const POLL_MS = 1_000;

/** `kubedos-build deploy qemu`. */
export function addDeployQemu(deploy: Command, io: CliIo): void {
  const command = deploy
    .command("qemu")
    .summary("stamp and run the cluster's guests on this host")
    .description(
      "Makes a vTPM for each node and pins its EK, boots the master, attests it over its guest agent, certifies its hub, then boots the others.\n" +
        "The guests belong to this command: Ctrl-C ends them. Their TPMs and disks stay in the state folder, so the next deploy finds the same machines.",
    )
    .argument("<spec>", "the ClusterSpec (YAML), with targets.qemu")
    .requiredOption("--release <dir>", "folder of the release, as `build` printed it")
    .requiredOption("--keys <dir>", "the cluster's key directory")
    .requiredOption("--operator <dir>", "folder of the operator who signs for the hub's own node")
    .requiredOption("--state <dir>", "folder for the guests; keep its path short, sockets are made in it")
    .option("--cache <dir>", "where the toolchain is", defaultCacheDir)
    .option("--only <name...>", "boot only these nodes beside the master; all are stamped")
    .addHelpText("after", "\nExample:\n  kubedos-build deploy qemu examples/demo.yaml --release out/demo/4f0c… --keys keys --operator alice --state /var/tmp/demo\n  kubedos-hub window open --hub 127.0.0.1:PORT --identity alice    # in another terminal, with the port that was printed");
  addPassphraseOptions(command).action(async (file: string, options: Options) => {
    const spec = await readSpec(file);
    const unknown = options.only?.find((name) => !spec.topology.nodes.some((node) => node.name === name));
    if (unknown !== undefined) throw new BuildError("USAGE", `the spec has no node "${unknown}"`);
    const keys = await openKeys(options.keys, await readPassphrase(options, io));
    if (keys.cluster !== spec.metadata.name) throw new BuildError("WRONG_CLUSTER", `the spec is for cluster "${spec.metadata.name}", the keys are for "${keys.cluster}"`);
    const stateDir = resolve(options.state);
    const unlock = await lockState(stateDir);
    try {
      const tc = await ensureToolchain(options.cache, io.report, io.signal);
      const cluster = await openCluster({ spec, keys, releaseDir: resolve(options.release), operatorDir: options.operator, stateDir, tc, report: io.report, signal: io.signal });
      try {
        await cluster.stamp();
        for (const [name, ekName] of cluster.ekNames) io.out(`${name.padEnd(20)} EK ${ekName}\n`);
        io.report(`the pin file is ${stateDir}/${STATE_FILES.pins}; booting the master`);
        await cluster.startHub();
        io.out(`hub                  --hub ${cluster.operatorAddress} --identity ${options.operator}\n`);
        const others = spec.topology.nodes.filter((node) => node.name !== masterOf(spec).name && options.only?.includes(node.name) !== false);
        for (const { name } of others) {
          io.report(`booting ${name}`);
          await cluster.start(name);
        }
        io.report(`running; consoles are in ${stateDir}/NAME/serial.log; Ctrl-C ends the guests`);
        for (let known = cluster.running(); !io.signal.aborted; await sleep(POLL_MS, undefined, { signal: io.signal }).catch(() => undefined)) {
          const now = cluster.running();
          for (const name of known.filter((n) => !now.includes(n))) io.report(`${name} ended; its console says why`);
          known = now;
        }
      } finally {
        await cluster.stop();
      }
    } finally {
      await unlock();
    }
  });
}
