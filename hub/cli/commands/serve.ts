import { z } from "zod";
import { parseImageConfig } from "../../../proto/release/image-config.ts";
import { HUB_DEFAULTS } from "../../hub-options.ts";
import { CliError } from "../cli-error.ts";
import { command } from "../command.ts";
import { EXIT } from "../exit-codes.ts";

const MAX_IMAGE_CONFIG_BYTES = 64 * 1024;

const port = z
  .string()
  .regex(/^[1-9][0-9]{0,4}$/, "must be a port")
  .transform(Number)
  .pipe(z.int().max(65_535, "must be a port"));

/** `kubedos-hub serve`: the hub itself, as its unit starts it. */
export const serve = command({
  path: ["serve"],
  summary: "run the hub (its systemd unit does this)",
  about: "Runs until SIGTERM or Ctrl-C. Until the build host has attested this hub and delivered its certificate, it hands out nothing.",
  args: [],
  options: [
    { flags: "--image <file>", what: "the image's configuration (default /etc/kubedos/image.json)" },
    { flags: "--state-dir <dir>", what: "folder of the database (default /var/lib/kubedos-hub)" },
    { flags: "--run-dir <dir>", what: "folder of socket and delivery (default /run/kubedos-hub)" },
    { flags: "--listen <host>", what: "address of both listeners (default 0.0.0.0)" },
    { flags: "--node-port <port>", what: "TCP port for nodes (default 7443)" },
    { flags: "--operator-port <port>", what: "TCP port for operators (default 7444)" },
    { flags: "--tpm <device>", what: "TPM that keeps the generation's floor (default /dev/tpmrm0)" },
  ],
  connects: false,
  formats: [],
  examples: [["serve", "as the unit does, with the image's own paths"]],
  endsItself: true,
  input: z.strictObject({
    image: z.string().min(1).default("/etc/kubedos/image.json"),
    stateDir: z.string().min(1).default(HUB_DEFAULTS.stateDir),
    runDir: z.string().min(1).default(HUB_DEFAULTS.runDir),
    listen: z.string().min(1).default(HUB_DEFAULTS.listen),
    nodePort: port.default(HUB_DEFAULTS.nodePort),
    operatorPort: port.default(HUB_DEFAULTS.operatorPort),
    tpm: z.string().regex(/^(unix:)?\/./, "must be a device, or unix:/PATH of a software TPM").optional(),
  }),
  async run(input, { ports, say }) {
    const { image: path, tpm, ...rest } = input;
    const { data } = await ports.readFile(path, MAX_IMAGE_CONFIG_BYTES).catch((e: unknown) => {
      throw notStarted(`${path} can't be read`, e);
    });
    // Only here, so that every other command starts without the server and its database.
    const [{ serveHub }, { hostPorts }] = await Promise.all([import("../../serve.ts"), import("../../host/host-ports.ts")]);
    try {
      const hub = await serveHub({ ...rest, image: parseImageConfig(data), signal: ports.interrupted }, hostPorts(tpm));
      await aborted(ports.interrupted);
      await hub.close();
    } catch (error) {
      if (!ports.interrupted.aborted) throw notStarted(error instanceof Error ? error.message : String(error), error);
    }
    say("the hub has stopped; nodes keep their planes until their lease ends");
    return EXIT.ok;
  },
});

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

function notStarted(message: string, cause: unknown): CliError {
  return CliError.local("NOT_STARTED", `the hub did not start: ${message}`, "journalctl -u kubedos-hub", cause);
}
