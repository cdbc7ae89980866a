import type { TpmClient } from "../../proto/tpm/client.ts";
import type { Ports } from "../ports.ts";

/** Whole disks and partitions, by their path under /dev. */
export interface BlockDevices {
  /** Up to `bytes` bytes from `offset`; fewer where the device ends. */
  read(path: string, offset: number, bytes: number): Promise<Uint8Array>;
  /** On stable storage when it resolves. */
  write(path: string, offset: number, data: Uint8Array): Promise<void>;
}

/** The commands that opening volumes gives to a TPM. */
export type VolumeTpm = Pick<TpmClient, "readPcrs" | "seal" | "unseal">;

/** What opening volumes touches; a process of its own, with more rights than the agent's and for a few seconds (systemd/kubedos-volumes.service). */
export interface VolumePorts extends Pick<Ports, "runner" | "files" | "clock" | "entropy" | "log"> {
  readonly blocks: BlockDevices;
  /** Throws {@link AgentError} `TPM_MISSING`. */
  openTpm(): Promise<VolumeTpm>;
}
