import { rcName } from "./rc.ts";

/**
 * - `REFUSED`: the TPM answered with a response code, see `rc`.
 * - `MALFORMED`: what came back is no response to what was sent; `cause` says where it breaks.
 * - `TRANSPORT`: nothing came back.
 * - `NO_BANK`: the TPM has no such PCR in the SHA-256 bank.
 * - `UNSTABLE`: somebody extended PCRs each time they were being read.
 */
export type TpmErrorCode = "REFUSED" | "MALFORMED" | "TRANSPORT" | "NO_BANK" | "UNSTABLE";

/** A TPM command that didn't give a result. */
export class TpmError extends Error {
  readonly code: TpmErrorCode;
  /** The TPM's response code, where it refused. */
  readonly rc: number | undefined;
  /** Its name: `TPM_RC_AUTH_FAIL (session 1)`. */
  readonly rcName: string | undefined;

  constructor(code: TpmErrorCode, message: string, options?: ErrorOptions & { readonly rc?: number }) {
    super(message, options);
    this.name = "TpmError";
    this.code = code;
    this.rc = options?.rc;
    this.rcName = this.rc === undefined ? undefined : rcName(this.rc);
  }
}
