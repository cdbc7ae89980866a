import type { Node } from "../../proto/gen/kubedos/v1/admin.ts";
import type { EkCertificateVerdict } from "../attest/ek-certificate.ts";

/** What the TPM's own certificate is worth, for people: the maker's words in it are foreign, and short. */
export function certificateWords(verdict: EkCertificateVerdict | null): Pick<Node, "ekCertificate" | "ekCertificateText"> {
  if (verdict === null) return { ekCertificate: "", ekCertificateText: "" };
  if (!verdict.ok) return { ekCertificate: verdict.code, ekCertificateText: verdict.message };
  const { manufacturer, model, version, notAfter, quirks } = verdict.certificate;
  const despite = quirks.length === 0 ? "" : `, in spite of ${quirks.join(", ")}`;
  return { ekCertificate: "GOOD", ekCertificateText: `TPM ${model} ${version} by ${manufacturer}, until ${notAfter.toISOString().slice(0, 10)}${despite}` };
}
