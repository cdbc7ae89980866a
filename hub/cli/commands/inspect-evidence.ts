import { createPublicKey, type KeyObject } from "node:crypto";
import { z } from "zod";
import { judge } from "../../attest/judge.ts";
import { type EkCertificateVerdict, verifyEkCertificate } from "../../attest/ek-certificate.ts";
import type { Finding } from "../../attest/finding.ts";
import type { Verdict } from "../../attest/types.ts";
import { type Envelope, MAX_ENVELOPE_BYTES, openEnvelope, parseEnvelope } from "../../../proto/dsse/dsse.ts";
import { parsePins, type Pins, PINS_TYPE } from "../../../proto/release/pins.ts";
import { parseRelease, type Release, RELEASE_TYPE } from "../../../proto/release/release.ts";
import { fromBase64 } from "../../../proto/wire/base64.ts";
import { certificateWords } from "../../rpc/certificate-words.ts";
import { findingMessage } from "../../rpc/finding-message.ts";
import { ekTrustOf } from "../../trust/ek-trust.ts";
import { CliError } from "../cli-error.ts";
import { command } from "../command.ts";
import type { Context } from "../context.ts";
import { type EvidenceFile, MAX_EVIDENCE_FILE_BYTES, parseEvidenceFile } from "../evidence-file.ts";
import { EXIT } from "../exit-codes.ts";
import { findingText } from "../output/explain-text.ts";
import { fields } from "../output/fields.ts";
import { FORMATS } from "../output/format.ts";
import { hexGroups } from "../output/hex-groups.ts";
import { findingObject } from "../output/objects.ts";
import { ekCertificateText, UNANCHORED_WORDS } from "../output/node-text.ts";
import { printable } from "../output/printable.ts";
import type { ApiObject } from "../output/view.ts";
import { parseInput, readInput } from "../read-input.ts";

const UNSIGNED = "unsigned-release";

/** `kubedos-hub inspect evidence`: the full verdict over recorded evidence, without a hub. */
export const inspectEvidence = command({
  path: ["inspect", "evidence"],
  summary: "judge recorded evidence against a release, as the hub does",
  about:
    "Runs the hub's own verdict over a file, all checks included; only the challenge's time is taken as kept, since it is long over. " +
    "A certificate of the TPM is judged by the roots in --pins and by the dates of now; an operator's pin is what the hub recorded. " +
    "Exit code 8 where the evidence is refused.",
  args: [{ name: "file", what: "recorded evidence (JSON)" }],
  options: [
    { flags: "--release <file>", what: "release.json to judge by (required; may be given more than once)", repeats: true },
    { flags: "--release-key <file>", what: "public key (PEM) that must have signed it (may be given more than once)", repeats: true },
    { flags: "--pins <file>", what: "the cluster's pin file, signed by the same key: its makers' roots and the slot of this EK" },
    { flags: "--accept-risk <risk>", what: `judge by a release whose signature isn't checked: ${UNSIGNED}`, repeats: true },
  ],
  connects: false,
  formats: FORMATS,
  examples: [
    ["inspect evidence w-1.json --release release.json --release-key release.pub", "who it is and what it booted, or what differs"],
    ["inspect evidence w-4.json --release release.json --accept-risk=unsigned-release -o json", "without the release key at hand"],
    ["inspect evidence m-1.json --release release.json --release-key release.pub --pins pins.json", "a machine that its TPM's certificate anchors"],
  ],
  input: z.strictObject({
    file: z.string().min(1),
    release: z.array(z.string().min(1)).min(1),
    releaseKey: z.array(z.string().min(1)).default([]),
    pins: z.string().min(1).optional(),
    acceptRisk: z.array(z.enum([UNSIGNED])).default([]),
  }),
  async run(input, context) {
    const data = await readInput(input.file, MAX_EVIDENCE_FILE_BYTES, context.ports);
    const recorded = parseInput(input.file, "recorded evidence", () => parseEvidenceFile(data));
    const keys = await Promise.all(input.releaseKey.map((path) => readKey(path, context)));
    if (keys.length === 0 && !input.acceptRisk.includes(UNSIGNED)) {
      throw CliError.local("USAGE", "a release counts only with its signature: give --release-key FILE", `kubedos-hub inspect evidence ${input.file} --release FILE --release-key FILE`);
    }
    if (keys.length === 0) context.say("WARNING: the release's signature is not checked, so this verdict says only whether the files fit each other");
    const releases = await Promise.all(input.release.map((path) => readRelease(path, keys, context)));
    const challenge = { ...recorded.challenge, issuedAt: 0, expiresAt: 1 };
    const { cluster, peerKey } = recorded;
    const pins = input.pins === undefined ? null : await readPins(input.pins, keys, context);
    if (pins !== null && pins.cluster !== cluster) throw CliError.local("FILE_INVALID", `${input.pins} is the pin file of cluster ${pins.cluster}, the evidence is of ${cluster}`, "kubedos-hub inspect evidence --help");
    const pinnedRole = pins?.slots.find((slot) => slot.ekName === recorded.challenge.ekName)?.role ?? recorded.pinnedRole;
    const ekCertificate = certificateVerdict(recorded, pins, context);
    const verdict = judge(recorded.evidence, challenge, { cluster, peerKey, releases, pinnedRole, ekCertificate, baseline: null, lastClock: null, now: 0 });
    context.print({ object: verdictObject(verdict, ekCertificate, keys.length > 0), names: [verdict.ok ? "ok" : verdict.code], human: () => verdictText(verdict, ekCertificate) });
    if (!verdict.ok) throw CliError.local("REFUSED", `refused: ${verdict.code}`, `kubedos-hub explain ${verdict.code}`);
    return EXIT.ok;
  },
});

async function readKey(path: string, context: Context): Promise<KeyObject> {
  const data = await readInput(path, 4096, context.ports);
  return parseInput(path, "a public key in PEM", () => createPublicKey(new TextDecoder().decode(data)));
}

async function readRelease(path: string, keys: readonly KeyObject[], context: Context): Promise<Release> {
  const data = await readInput(path, MAX_ENVELOPE_BYTES, context.ports);
  const what = keys.length === 0 ? "a release" : "a release signed by this key";
  return parseInput(path, what, () => parseRelease(payloadOf(RELEASE_TYPE, parseEnvelope(data), keys)));
}

async function readPins(path: string, keys: readonly KeyObject[], context: Context): Promise<Pins> {
  const data = await readInput(path, MAX_ENVELOPE_BYTES, context.ports);
  const what = keys.length === 0 ? "a pin file" : "a pin file signed by this key";
  return parseInput(path, what, () => parsePins(payloadOf(PINS_TYPE, parseEnvelope(data), keys)));
}

/** The verdict over the certificate in the file; without a pin file no root is believed. Null: there is no certificate. */
function certificateVerdict({ evidence, shown }: EvidenceFile, pins: Pins | null, context: Context): EkCertificateVerdict | null {
  return shown === null ? null : verifyEkCertificate({ ekPublic: evidence.ekPublic, ...shown }, ekTrustOf(pins ?? {}), new Date(context.ports.now()));
}

/** Without keys the type is still the signed one's, so that no other statement is read as what is asked for. */
function payloadOf(type: string, envelope: Envelope, keys: readonly KeyObject[]): Uint8Array {
  if (keys.length > 0) return openEnvelope(type, envelope, keys);
  if (envelope.payloadType !== type) throw new Error(`the envelope holds ${JSON.stringify(envelope.payloadType)}`);
  return fromBase64(envelope.payload);
}

function verdictObject(v: Verdict, certificate: EkCertificateVerdict | null, releaseVerified: boolean): ApiObject {
  const head = { apiVersion: "kubedos/v1", kind: "Verdict", ...certificateWords(certificate) } as const;
  if (!v.ok) return { ...head, ...{ ok: false, releaseVerified, code: v.code, message: v.message, findings: v.findings.map(toObject) } };
  const { facts } = v;
  const known = {
    ok: true,
    releaseVerified,
    ekName: facts.ekName,
    akName: facts.akName,
    anchor: facts.anchor,
    role: facts.image.role,
    release: facts.release.id,
    releaseGeneration: facts.release.generation,
    phase: facts.phase,
    bootId: facts.claims.bootId,
    pcrs: facts.pcrs,
  };
  return { ...head, ...known };
}

function verdictText(v: Verdict, certificate: EkCertificateVerdict | null): string {
  if (!v.ok) {
    const findings = v.findings.map((f, i) => findingText(toObject(f), i + 1, v.findings.length));
    return [`refused: ${printable(v.message)} (${v.code})`, ...findings].join("\n\n");
  }
  const { facts } = v;
  return [
    "accepted: this TPM booted exactly the release's image",
    fields([
      ["role", facts.image.role],
      ["release", `${facts.release.id}, generation ${facts.release.generation}`],
      ["phase", facts.phase],
      ["anchor", facts.anchor === "pinned" ? "pinned: its EK was stamped" : facts.anchor === "certificate" ? "certificate: its TPM's maker vouches for it" : UNANCHORED_WORDS],
      ["EK cert", ekCertificateText(certificateWords(certificate))],
      ["EK name", hexGroups(facts.ekName, 9)],
    ]),
  ].join("\n");
}

function toObject(f: Finding) {
  return findingObject(findingMessage(f));
}
