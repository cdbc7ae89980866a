import { DARKSITE_TYPE, parseDarksite } from "../../proto/release/darksite.ts";
import { DELIVERY_TYPE, parseDelivery } from "../../proto/release/delivery.ts";
import { parsePins, PINS_TYPE } from "../../proto/release/pins.ts";
import { parseRelease, RELEASE_TYPE } from "../../proto/release/release.ts";
import { WireError } from "../../proto/wire/error.ts";
import { INDEX_TYPE, parseIndexEntry } from "../out/out-index.ts";
import { parseProvenance, STATEMENT_TYPE } from "../provenance/statement.ts";
import { SignerError } from "./error.ts";

/** What the signer knows of a document after its schema has taken it. */
interface Facts {
  readonly cluster: string;
  /** Id of the release it is about, where it is about one. */
  readonly release: string | null;
}

/** Documents that the release key signs; each purpose has its own schema and DSSE type. */
const documents = {
  release: { type: RELEASE_TYPE, read: (data) => { const { cluster, id } = parseRelease(data); return { cluster, release: id }; } },
  provenance: { type: STATEMENT_TYPE, read: (data) => { const { externalParameters, internalParameters } = parseProvenance(data).predicate.buildDefinition; return { cluster: externalParameters.cluster, release: internalParameters.release }; } },
  index: { type: INDEX_TYPE, read: (data) => { const { cluster, id } = parseIndexEntry(data); return { cluster, release: id }; } },
  darksite: { type: DARKSITE_TYPE, read: (data) => ({ cluster: parseDarksite(data).cluster, release: null }) },
  delivery: { type: DELIVERY_TYPE, read: (data) => ({ cluster: parseDelivery(data).cluster, release: null }) },
  pins: { type: PINS_TYPE, read: (data) => ({ cluster: parsePins(data).cluster, release: null }) },
} as const satisfies Record<string, { readonly type: string; readonly read: (data: Uint8Array) => Facts }>;

/** See {@link documents}. */
export type DocumentPurpose = keyof typeof documents;

/** All purposes of documents. */
export const DOCUMENT_PURPOSES = Object.keys(documents) as readonly DocumentPurpose[];

/** Takes a payload only as what its purpose says it is. Throws SignerError `MALFORMED`. */
export function readDocument(purpose: DocumentPurpose, payload: Uint8Array): Facts & { readonly type: string } {
  const { type, read } = documents[purpose];
  try {
    return { type, ...read(payload) };
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause;
    throw new SignerError("MALFORMED", `this is no ${purpose}: ${cause.message}`, { cause });
  }
}
