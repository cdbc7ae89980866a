import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { connect } from "node:tls";
import { makePins } from "../builder/deploy/stamp.ts";
import { OPERATOR_FILES } from "../builder/keys/issue-operator.ts";
import { makeFileSigner } from "../builder/sign/signer.ts";
import { verifyHub } from "../hub/cli/connect/hub-identity.ts";
import { encodeEnvelope } from "../proto/dsse/dsse.ts";
import { toBase64 } from "../proto/wire/base64.ts";
import { utf8 } from "../proto/wire/bytes.ts";
import { canonicalJson } from "../proto/wire/json.ts";
import type { Demo } from "./demo.ts";
import { ALTERED, LOOKALIKE, pinnedEk, workersOf } from "./line/workers.ts";
import { factsSchema, readRecording, RECORDING_FILES, type RecordingFacts } from "./replay/recording.ts";

interface Explanation {
  readonly findings: readonly { readonly pcr: number | null }[];
}

/**
 * Takes the evidence of a running demo out of its hub, as `kubedos-hub node evidence` gives it to anybody: every machine
 * as it first stood there, before an operator decided. Only what is public leaves the run.
 */
export class Recorder {
  readonly #dir: string;
  readonly #files = new Map<string, Uint8Array>();
  readonly #nodes: RecordingFacts["nodes"] = [];

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Call after each phase. Nothing is written before the last machine is there, so a failed run leaves the old recording. */
  async after(phase: string, demo: Demo): Promise<void> {
    if (phase === "boot-workers") {
      for (const name of ["master", ...workersOf(demo)]) await this.#take(demo, name, pinnedEk(demo, name));
    }
    if (phase === "unanchored") {
      for (const name of [ALTERED, LOOKALIKE]) await this.#take(demo, name, (await demo.status(name))?.ekName ?? "");
      await this.#write(demo);
    }
  }

  async #take(demo: Demo, name: string, ekName: string): Promise<void> {
    const node = (await demo.nodes()).find((n) => n.ekName === ekName);
    if (node === undefined) throw new Error(`the hub knows no machine with the EK of ${name}`);
    const printed = await demo.hub(["node", "evidence", node.id]);
    if (printed.code !== 0) throw new Error(`the evidence of ${name} can't be had: ${printed.stderr.trim()}`);
    const { findings } = await demo.hubJson<Explanation>(["explain", node.id]);
    const pcrs = [...new Set(findings.flatMap((finding) => finding.pcr ?? []))].sort((a, b) => a - b);
    this.#files.set(`${name}.json`, utf8(`${printed.stdout.trim()}\n`));
    this.#nodes.push({ name, ekName, state: node.state, code: node.code, pcrs } as RecordingFacts["nodes"][number]);
    demo.report.say(`recorded ${name}: ${node.state} ${node.code}`);
  }

  async #write(demo: Demo): Promise<void> {
    const { spec, keys, ekTrust } = demo.built;
    const cluster = spec.metadata.name;
    const [recordedAt, hubSpki] = [Math.floor(Date.now() / 1000), toBase64(await hubKey(demo))];
    const facts = factsSchema.parse({ kind: "kubedos/recording", version: 1, cluster, recordedAt, hubSpki, nodes: this.#nodes });
    // Ed25519 is deterministic: this is byte for byte the pin file that the hub was given.
    const pins = await makeFileSigner(keys).signDocument("pins", canonicalJson(makePins(spec, 1, demo.cluster.ekNames, ekTrust)));
    this.#files.set(RECORDING_FILES.facts, utf8(`${JSON.stringify(facts, null, 2)}\n`));
    this.#files.set(RECORDING_FILES.release, await demo.releaseFile("release.json"));
    this.#files.set(RECORDING_FILES.pins, encodeEnvelope(pins));
    this.#files.set(RECORDING_FILES.releaseKey, utf8(keys.releaseKey.export({ type: "spki", format: "pem" }).toString()));
    await mkdir(this.#dir, { recursive: true });
    for (const [name, data] of this.#files) await writeFile(join(this.#dir, name), data);
    await readRecording(this.#dir);
    demo.report.say(`the recording is in ${this.#dir}`);
  }
}

/** The key that the hub proves to an operator; its certificate is judged as the CLI judges it. */
async function hubKey(demo: Demo): Promise<Uint8Array> {
  const [host = "", port = ""] = demo.cluster.operatorAddress.split(":");
  const file = async (name: keyof typeof OPERATOR_FILES): Promise<string> => await readFile(join(demo.operatorDir, OPERATOR_FILES[name]), "utf8");
  const [key, cert, rootPem] = [await file("key"), await file("chain"), await file("root")];
  // The chain's root is ours; who the server is, verifyHub judges: there is no host name in its certificate.
  const socket = connect({ host, port: Number(port), key, cert, ca: rootPem, minVersion: "TLSv1.3", ALPNProtocols: ["h2"], checkServerIdentity: () => undefined });
  try {
    await new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
    return verifyHub(socket.getPeerCertificate(true), { cluster: demo.built.spec.metadata.name, rootPem, now: new Date() }).spki;
  } finally {
    socket.destroy();
  }
}
