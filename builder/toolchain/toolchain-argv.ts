import type { Toolchain } from "./ensure-toolchain.ts";
import type { Argv } from "./run-host.ts";

/** Where the tools are; all that running one needs. */
export type ToolTree = Pick<Toolchain, "tree">;

/** What a tool sees of the host beside the toolchain itself. Paths are absolute and the same inside and outside. */
export interface ToolBinds {
  /** Folders or files it may write. */
  readonly binds?: readonly string[];
  /** Folders or files it may read. */
  readonly readBinds?: readonly string[];
  /** Working folder; `/` without it. */
  readonly cwd?: string;
  /** True: the host's network (guests). Else a network namespace of its own with nothing in it. */
  readonly network?: boolean;
  /** Path inside at which the command's standard input stands as a file that nobody outside can see: how a tool that wants a file gets a secret. */
  readonly inputFile?: string;
  /** Device files, left out where they don't exist (`/dev/kvm`). */
  readonly devices?: readonly string[];
}

/**
 * Wraps a command so that it runs in the toolchain tree by bubblewrap: its own /usr and /etc read-only, an empty /tmp and
 * /run, nothing of the host but what `binds` names. It dies with the process that started it.
 */
export function toolchainArgv(tc: ToolTree, argv: Argv, what: ToolBinds = {}): Argv {
  return [
    "bwrap",
    "--die-with-parent",
    "--unshare-ipc",
    ...(what.network === true ? [] : ["--unshare-net"]),
    "--ro-bind", `${tc.tree}/usr`, "/usr",
    "--ro-bind", `${tc.tree}/etc`, "/etc",
    ...["bin", "sbin", "lib", "lib64"].flatMap((dir) => ["--symlink", `usr/${dir}`, `/${dir}`]),
    "--dev", "/dev",
    ...(what.devices ?? []).flatMap((path) => ["--dev-bind-try", path, path]),
    "--proc", "/proc",
    "--tmpfs", "/tmp",
    "--tmpfs", "/run",
    ...(what.readBinds ?? []).flatMap((path) => ["--ro-bind", path, path]),
    ...(what.binds ?? []).flatMap((path) => ["--bind", path, path]),
    ...(what.inputFile === undefined ? [] : ["--perms", "0600", "--file", "0", what.inputFile]),
    "--chdir", what.cwd ?? "/",
    "--clearenv",
    "--setenv", "LC_ALL", "C",
    "--setenv", "PATH", "/usr/sbin:/usr/bin",
    "--setenv", "HOME", "/tmp",
    "--",
    ...argv,
  ];
}
