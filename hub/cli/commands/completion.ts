import { z } from "zod";
import type { Command } from "../command.ts";
import { command } from "../command.ts";
import { completionScript, SHELLS } from "../completion/script.ts";
import { EXIT } from "../exit-codes.ts";

/** `kubedos-hub completion`: a script for the shell; `all` are the commands it completes. */
export function completion(all: () => readonly Command[]): Command {
  return command({
    path: ["completion"],
    summary: "print a completion script for bash, zsh or fish",
    args: [{ name: "shell", what: SHELLS.join(", ") }],
    options: [],
    connects: false,
    formats: [],
    examples: [
      ["completion bash > /etc/bash_completion.d/kubedos-hub", "for all users of bash"],
      ["completion fish | source", "for this fish"],
    ],
    input: z.strictObject({ shell: z.enum(SHELLS, { error: `must be one of ${SHELLS.join(", ")}` }) }),
    async run(input, context) {
      context.ports.stdout.write(completionScript(input.shell, all()));
      return EXIT.ok;
    },
  });
}
