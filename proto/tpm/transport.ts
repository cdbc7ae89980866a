/**
 * Carries one command to a TPM and brings its response back: /dev/tpmrm0, or a socket of swtpm in tests. Both are whole
 * packets in the TPM's format (Part 1, 18). It is never called again before the last call ended.
 */
export interface TpmTransport {
  /** Rejects if no whole response came. */
  send(command: Uint8Array): Promise<Uint8Array>;
}
