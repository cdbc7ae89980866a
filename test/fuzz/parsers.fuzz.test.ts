import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { verifyEkCertificate } from "../../hub/attest/ek-certificate.ts";
import { inspectEventLog } from "../../hub/attest/inspect.ts";
import { parseClaims } from "../../proto/evidence/claims.ts";
import { describeEvent } from "../../proto/eventlog/describe.ts";
import { EventLogError } from "../../proto/eventlog/error.ts";
import { parseEventLog } from "../../proto/eventlog/event-log.ts";
import { replayEventLog } from "../../proto/eventlog/replay.ts";
import { signatureEntries } from "../../proto/eventlog/signature-list.ts";
import { parseUefiVariable } from "../../proto/eventlog/uefi-variable.ts";
import { parseUserspaceLog } from "../../proto/eventlog/userspace.ts";
import { parseAttest } from "../../proto/tpm/attest.ts";
import { parsePublic, publicKeyObject } from "../../proto/tpm/public.ts";
import { creationPcrs } from "../../proto/tpm/sealed-object.ts";
import { parseSignature } from "../../proto/tpm/signature.ts";
import { concatBytes, utf8 } from "../../proto/wire/bytes.ts";
import { AgentError } from "../../agent/error.ts";
import { readHeader } from "../../agent/volumes/luks-header.ts";
import { encodeToken } from "../../agent/volumes/volume-token.ts";
import { encodePcrSignatures, parsePcrSignatures } from "../../proto/release/pcr-signatures.ts";
import { WireError } from "../../proto/wire/error.ts";
import { ekCertificate, makeCa } from "../fakes/ek-pki.ts";
import { claimsOf, firmwareLog, newChallenge, newSpki, userspaceLogOf, WORDS } from "../fakes/evidence-case.ts";
import { recordedLog, separatorRecords } from "../fakes/log-case.ts";
import { softMachine } from "../fakes/soft-machine.ts";
import { LUKS_METADATA } from "../fakes/luks-metadata.ts";
import { makeEk, makeRsaAk } from "../swtpm/test-keys.ts";
import { vectorsDir } from "../vectors.ts";
import { fuzzGuided } from "./guided.ts";

const LIMIT_MS = 2000;
const vector = (path: string): Uint8Array => new Uint8Array(readFileSync(join(vectorsDir, path)));
const asked = newChallenge();
const evidence = softMachine()({ challenge: asked, claims: claimsOf(newSpki()), firmwareLog, userspaceLog: userspaceLogOf(WORDS) });
const root = makeCa("root");
const ek = makeEk("P-256");
const leaf = ekCertificate(ek.key, root);
const trust = { roots: [root.der], intermediates: [], quirks: ["nv-padding", "stored-header", "oaep-key", "expired-leaf"], revoked: [] } as const;
const now = new Date("2026-11-24");
const variables = recordedLog.events.filter((e) => e.pcr === 7 && e.data.length > 32).map((e) => e.data);

const creationData = concatBytes(Uint8Array.of(0, 0, 0, 1, 0, 0x0b, 3, 0, 8, 0, 0, 32), new Uint8Array(32), Uint8Array.of(1, 0, 0x0b, 0, 34), new Uint8Array(34), Uint8Array.of(0, 34), new Uint8Array(34), Uint8Array.of(0, 0));
const [blob, policy] = [new Uint8Array(64), new Uint8Array(32)];
const sealed = { parentName: blob, privateArea: blob, publicArea: blob, creationData, creationTicket: blob, birth: { policy, signature: blob } };

/** Each parser of foreign bytes: it returns, or throws what its doc says; never anything else. */
const targets: readonly (readonly [string, readonly Uint8Array[], (data: Uint8Array) => unknown])[] = [
  ["event-log", [firmwareLog, vector("eventlogs/glinux-alex.bin"), vector("eventlogs/sb_cert_eventlog")], (data) => [...parseEventLog(data).banks].map((b) => replayEventLog(parseEventLog(data), b.name))],
  ["inspect", [firmwareLog, vector("eventlogs/crypto_agile_eventlog")], (data) => inspectEventLog(data, "sha256")],
  ["describe", recordedLog.events.map((e) => e.data).filter((d) => d.length > 0), (data) => recordedLog.events.map((e) => describeEvent({ ...e, data }, null))],
  ["userspace-log", [separatorRecords(), vector("own-boot/a1/tpm2-measure.log")], parseUserspaceLog],
  ["variable", variables, (data) => signatureEntries(parseUefiVariable(data).data)],
  ["public", [evidence.akPublic, evidence.ekPublic, makeRsaAk({ name: "rsassa", hash: 0x000b }).publicArea], (data) => publicKeyObject(parsePublic(data))],
  ["attest", [evidence.quote], parseAttest],
  ["signature", [evidence.signature], parseSignature],
  ["claims", [evidence.claims], parseClaims],
  ["creation-data", [creationData], creationPcrs],
  ["pcr-signatures", [encodePcrSignatures([{ pcrs: [11], keyDigest: new Uint8Array(32), policy: new Uint8Array(32), signature: new Uint8Array(256) }])], parsePcrSignatures],
  ["volume-header", [utf8(JSON.stringify(LUKS_METADATA)), utf8(JSON.stringify({ ...LUKS_METADATA, tokens: { "0": encodeToken(sealed) } }))], (data) => readHeader(new TextDecoder().decode(data))],
];

for (const [name, seeds, parse] of targets) {
  t.test(`${name}: read or refused`, async (t) => {
    const report = await fuzzGuided(name, seeds, (data) => {
      try {
        parse(data);
      } catch (error) {
        if (!(error instanceof WireError || error instanceof EventLogError || error instanceof AgentError)) throw error;
      }
    });
    t.ok(report.slowestMs < LIMIT_MS, `${report.inputs} inputs, ${report.found} reached something new, slowest ${report.slowestMs.toFixed(1)} ms`);
  });
}

t.test("ek-certificate: believed only as it was issued", async (t) => {
  const report = await fuzzGuided("ek-certificate", [leaf, root.der], (data) => {
    const verdict = verifyEkCertificate({ ekPublic: ek.publicArea, certificate: data, intermediates: [] }, trust, now);
    // What the quirks tolerate stands around the certificate; its own bytes are signed.
    const isIssued = Buffer.from(data).includes(Buffer.from(leaf));
    if (verdict.ok && !isIssued) throw new Error(`accepted ${Buffer.from(data).toString("hex")}`);
    if (!verdict.ok && /A check broke/.test(verdict.message)) throw new Error(verdict.message);
  });
  t.ok(report.slowestMs < LIMIT_MS, `${report.inputs} inputs, ${report.found} reached something new, slowest ${report.slowestMs.toFixed(1)} ms`);
});
