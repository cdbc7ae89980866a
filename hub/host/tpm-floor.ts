import { setTimeout as sleep } from "node:timers/promises";
import { TpmClient } from "../../proto/tpm/client.ts";
import { raiseFloor, readFloor } from "../../proto/tpm/nv-floor.ts";
import type { GenerationFloor } from "../ports.ts";
import { withTpm } from "./open-tpm.ts";

/** The floor in an NV index of this TPM. It is opened for each call, of which there are a few in a hub's life. */
export function tpmFloor(spec: string): GenerationFloor {
  const run = <T>(work: (client: TpmClient) => Promise<T>): Promise<T> => withTpm(spec, (transport) => work(new TpmClient(transport, (ms) => sleep(ms))));
  return {
    read: (cluster) => run((client) => readFloor(client, cluster)),
    raise: (cluster, generation) => run((client) => raiseFloor(client, cluster, generation)),
  };
}
