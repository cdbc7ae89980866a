import type { KeyObject } from "node:crypto";
import { z } from "zod";
import { openEnvelope, parseEnvelope } from "../../proto/dsse/dsse.ts";
import { RELEASE_TYPE } from "../../proto/release/release.ts";
import { parseJson } from "../../proto/wire/json.ts";
import { STATEMENT_TYPE } from "../provenance/statement.ts";
import { parseSums } from "../release/sums.ts";
import { checkSignedUki } from "./check-uki.ts";
import { SignerError } from "./error.ts";

/** Files that get a plain signature beside them: the checksums, an envelope of ours, a signed UKI, an SBOM. */
export const SIGNED_FILE_KINDS = ["sums", "envelope", "uki", "sbom"] as const;
/** See {@link SIGNED_FILE_KINDS}. */
export type SignedFileKind = (typeof SIGNED_FILE_KINDS)[number];

const MAX_SBOM_BYTES = 32 * 1024 * 1024;
/** Both forms say first what they are, and name the cluster with the role. */
const sbomSchema = z.union([
  z.looseObject({ spdxVersion: z.literal("SPDX-2.3"), name: z.string() }).transform((d) => d.name.replace(/^kubedos-/, "")),
  z.looseObject({ bomFormat: z.literal("CycloneDX"), metadata: z.looseObject({ component: z.looseObject({ name: z.string() }) }) }).transform((d) => d.metadata.component.name),
]);

/**
 * A plain signature says nothing of what it is for, so only files that can't be taken for anything else get one: none of them begins like the
 * signed form of an envelope, or is a digest. Throws WireError, PeError or SignerError.
 */
export function checkSignedFile(kind: SignedFileKind, data: Uint8Array, cluster: string, releaseKeys: readonly KeyObject[]): void {
  switch (kind) {
    case "sums":
      parseSums(data);
      return;
    case "envelope": {
      const envelope = parseEnvelope(data);
      openEnvelope(envelope.payloadType === STATEMENT_TYPE ? STATEMENT_TYPE : RELEASE_TYPE, envelope, releaseKeys);
      return;
    }
    case "uki":
      return checkSignedUki(data, cluster);
    case "sbom":
      if (!parseJson(sbomSchema, data, MAX_SBOM_BYTES).startsWith(`${cluster}-`)) throw new SignerError("NOT_OURS", `the SBOM is not for cluster "${cluster}"`);
      return;
    default:
      kind satisfies never;
  }
}
