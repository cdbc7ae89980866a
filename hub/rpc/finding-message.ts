import type { Finding as FindingMessage } from "../../proto/gen/kubedos/v1/admin.ts";
import type { Finding } from "../attest/finding.ts";

/** A finding for the wire: which of its places are there says which kind it is. */
export function findingMessage(finding: Finding): FindingMessage {
  const { code, what, expected, found, cause } = finding;
  const words = { code, what, expected, found, cause, eventType: "", field: "" };
  switch (finding.at) {
    case "event":
      return { ...words, pcr: finding.pcr, index: finding.index, eventType: finding.type };
    case "pcr":
      return { ...words, pcr: finding.pcr };
    case "field":
      return { ...words, field: finding.field };
    default:
      return finding satisfies never;
  }
}
