import { createPublicKey, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { type EvidenceFile, MAX_EVIDENCE_FILE_BYTES, parseEvidenceFile } from "../../hub/cli/evidence-file.ts";
import { openEnvelope, parseEnvelope } from "../../proto/dsse/dsse.ts";
import { verifierContext } from "../../proto/evidence/extra-data.ts";
import { parsePins, type Pins, PINS_TYPE } from "../../proto/release/pins.ts";
import { parseRelease, type Release, RELEASE_TYPE } from "../../proto/release/release.ts";
import { fromBase64 } from "../../proto/wire/base64.ts";
import { equalBytes } from "../../proto/wire/bytes.ts";
import { parseJson } from "../../proto/wire/json.ts";
import { base64Text, dnsLabel, hexText } from "../../proto/wire/text.ts";

/** Where the recording lies that is part of the sources. */
export const RECORDING_DIR: string = new URL("../../test/fixtures/first-boot", import.meta.url).pathname;

/** Files of a recording beside one `NAME.json` a machine; the envelopes are DSSE, the key is PEM. Nothing in them is secret. */
export const RECORDING_FILES = { facts: "facts.json", release: "release.json", pins: "pins.json", releaseKey: "release-key.pem" } as const;

/** Machines of a recording: the cluster's nodes, the altered image, and the right image on a TPM that nobody stamped. */
export const RECORDED_NAMES = ["master", "worker-1", "worker-2", "altered", "lookalike"] as const;
/** See {@link RECORDED_NAMES}. */
export type RecordedName = (typeof RECORDED_NAMES)[number];

const MAX_FACTS_BYTES = 64 * 1024;

/** `facts.json`: what the hub of the recorded run said, so that a replay can be held against it. */
export const factsSchema = z.strictObject({
  kind: z.literal("kubedos/recording"),
  version: z.literal(1),
  cluster: dnsLabel,
  /** Seconds since 1970. */
  recordedAt: z.int().positive(),
  /** SPKI (DER, base64) of the certificate that the recorded hub proved: names it in every quote. */
  hubSpki: base64Text(256),
  nodes: z.array(
    z.strictObject({
      name: z.enum(RECORDED_NAMES),
      ekName: hexText(34),
      /** Where its evidence brought it, before any operator decided. */
      state: z.enum(["connected", "pending", "unanchored", "rejected"]),
      /** Code of the refusal, else empty. */
      code: z.string().max(64),
      /** PCRs that the refusal named. */
      pcrs: z.array(z.int().min(0).max(23)).max(24),
    }),
  ),
});
/** See {@link factsSchema}. */
export type RecordingFacts = z.output<typeof factsSchema>;

/** One machine of a recording. */
export type RecordedNode = RecordingFacts["nodes"][number] & EvidenceFile;

/** A recording that was read and belongs together. The evidence in it is still unverified. */
export interface Recording {
  readonly dir: string;
  readonly facts: RecordingFacts;
  readonly nodes: ReadonlyMap<RecordedName, RecordedNode>;
  readonly release: Release;
  readonly pins: Pins;
  /** DSSE bytes. */
  readonly envelopes: { readonly release: Uint8Array; readonly pins: Uint8Array };
  /** Ed25519. */
  readonly releaseKey: KeyObject;
}

/**
 * Reads a folder that record.ts wrote. Throws WireError where a file isn't what it should be or its signature doesn't
 * hold, and Error where the files are of different runs.
 */
export async function readRecording(dir: string): Promise<Recording> {
  const read = async (name: string): Promise<Uint8Array> => new Uint8Array(await readFile(join(dir, name)));
  const facts = parseJson(factsSchema, await read(RECORDING_FILES.facts), MAX_FACTS_BYTES);
  const releaseKey = createPublicKey(new TextDecoder().decode(await read(RECORDING_FILES.releaseKey)));
  const envelopes = { release: await read(RECORDING_FILES.release), pins: await read(RECORDING_FILES.pins) };
  const release = parseRelease(openEnvelope(RELEASE_TYPE, parseEnvelope(envelopes.release), [releaseKey]));
  const pins = parsePins(openEnvelope(PINS_TYPE, parseEnvelope(envelopes.pins), [releaseKey]));
  const verifier = verifierContext(facts.cluster, fromBase64(facts.hubSpki));
  const nodes = new Map<RecordedName, RecordedNode>();
  for (const node of facts.nodes) {
    const file = await read(`${node.name}.json`);
    if (file.length > MAX_EVIDENCE_FILE_BYTES) throw new Error(`${node.name}.json has ${file.length} bytes`);
    const evidence = parseEvidenceFile(file);
    if (!equalBytes(evidence.challenge.verifier, verifier)) throw new Error(`the evidence of ${node.name} was made for another hub than the recorded one`);
    nodes.set(node.name, { ...node, ...evidence });
  }
  for (const name of RECORDED_NAMES) if (!nodes.has(name)) throw new Error(`the recording has no ${name}`);
  if ([release.cluster, pins.cluster].some((cluster) => cluster !== facts.cluster)) throw new Error("release, pins and evidence are of different clusters");
  return { dir, facts, nodes, release, pins, envelopes, releaseKey };
}

/** One machine of a recording; every one of {@link RECORDED_NAMES} is there. */
export function recordedNode(recording: Recording, name: RecordedName): RecordedNode {
  const node = recording.nodes.get(name);
  if (node === undefined) throw new Error(`the recording has no ${name}`);
  return node;
}
