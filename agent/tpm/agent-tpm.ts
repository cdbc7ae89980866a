import type { TpmClient } from "../../proto/tpm/client.ts";

/** The commands that the agent gives to a TPM, and no others. */
export type AgentTpm = Pick<TpmClient, "createEk" | "createAk" | "quote" | "readPcrs" | "pcrEvent" | "getBanks" | "activateCredential" | "getHandles" | "readNv">;
