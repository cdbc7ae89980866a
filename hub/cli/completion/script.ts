import { type Command, optionsOf } from "../command.ts";
import { FORMATS } from "../output/format.ts";

/** Shells that are served. */
export const SHELLS = ["bash", "zsh", "fish"] as const;
/** See {@link SHELLS}. */
export type Shell = (typeof SHELLS)[number];

/** Completes commands, groups, options and the values of -o. Names are our own, so nothing needs quoting. */
export function completionScript(shell: Shell, commands: readonly Command[]): string {
  switch (shell) {
    case "bash":
      return bash(commands);
    case "zsh":
      // zsh runs bash's completions; one script has one truth.
      return `#compdef kubedos-hub\nautoload -U +X bashcompinit && bashcompinit\n${bash(commands)}`;
    case "fish":
      return fish(commands);
    default:
      return shell satisfies never;
  }
}

/** Long flags of a command. */
function flagsOf(command: Command): readonly string[] {
  return [...optionsOf(command).map((o) => /--[a-z-]+/.exec(o.flags)?.[0] ?? ""), "--help"];
}

/** First words, each once; and for groups, their second words. */
function words(commands: readonly Command[]): ReadonlyMap<string, readonly string[]> {
  const map = new Map<string, string[]>();
  for (const { path } of commands) {
    const verbs = map.get(path[0]) ?? [];
    if (path[1] !== undefined) verbs.push(path[1]);
    map.set(path[0], verbs);
  }
  return map;
}

function bash(commands: readonly Command[]): string {
  const top = words(commands);
  const groups = [...top].filter(([, verbs]) => verbs.length > 0);
  const cases = [
    ...groups.map(([group, verbs]) => `    "${group}") words="${verbs.join(" ")}" ;;`),
    ...commands.map((c) => `    "${c.path.join(" ")}") words="${flagsOf(c).join(" ")}" ;;`),
  ];
  return `_kubedos_hub() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" path="" words="" i
  case "$prev" in
    -o|--output) COMPREPLY=($(compgen -W "${FORMATS.join(" ")}" -- "$cur")); return ;;
    --identity|--socket|--quote|--signature|--public|--release|--release-key) COMPREPLY=($(compgen -f -- "$cur")); return ;;
  esac
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "\${COMP_WORDS[i]}" in -*) break ;; esac
    case "$path" in
      "") path="\${COMP_WORDS[i]}" ;;
${groups.map(([group]) => `      "${group}") path="${group} \${COMP_WORDS[i]}" ;;`).join("\n")}
    esac
  done
  case "$path" in
    "") words="${[...top.keys()].join(" ")} --help --version" ;;
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _kubedos_hub kubedos-hub
`;
}

function fish(commands: readonly Command[]): string {
  const lines = ["complete -c kubedos-hub -f"];
  const groups = new Set(commands.filter((c) => c.path.length === 2).map((c) => c.path[0]));
  for (const group of groups) lines.push(`complete -c kubedos-hub -n __fish_use_subcommand -a ${group}`);
  for (const c of commands) {
    const [first, second] = c.path;
    const condition = second === undefined ? "__fish_use_subcommand" : `__fish_seen_subcommand_from ${first}`;
    lines.push(`complete -c kubedos-hub -n '${condition}' -a ${second ?? first} -d '${c.summary.replaceAll("'", "")}'`);
    const seen = c.path.map((w) => `__fish_seen_subcommand_from ${w}`).join("; and ");
    for (const flag of flagsOf(c)) {
      const values = flag === "--output" ? ` -x -a '${FORMATS.join(" ")}'` : "";
      lines.push(`complete -c kubedos-hub -n '${seen}' -l ${flag.slice(2)}${values}`);
    }
  }
  return `${lines.join("\n")}\n`;
}
