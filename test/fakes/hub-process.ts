import { existsSync, readFileSync } from "node:fs";
import { hostPorts } from "../../hub/host/host-ports.ts";
import type { HubOptions } from "../../hub/hub-options.ts";
import { serveHub } from "../../hub/serve.ts";
import { parseImageConfig } from "../../proto/release/image-config.ts";
import { memoryFloor } from "./memory-floor.ts";

/** A hub as a process of its own, for tests that kill it: `hub-process.ts DIR`, ports on stdout when it is ready. DIR/options.json changes its options. */
const dir = process.argv[2] ?? "";
const image = parseImageConfig(new Uint8Array(readFileSync(`${dir}/image.json`)));
const buckets = { burst: 1000, perSecond: 1000 };
const changes = existsSync(`${dir}/options.json`) ? (JSON.parse(readFileSync(`${dir}/options.json`, "utf8")) as Partial<HubOptions>) : {};
const hub = await serveHub({ image, stateDir: dir, runDir: dir, listen: "127.0.0.1", nodePort: 0, operatorPort: 0, buckets, ...changes }, { ...hostPorts(), floor: memoryFloor() });
process.stdout.write(`${JSON.stringify({ nodePort: hub.nodePort, operatorPort: hub.operatorPort })}\n`);
