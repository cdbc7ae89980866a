/** The caller's proxy settings, as programs that ask a mirror get them. */
export function proxyEnv(): Record<string, string> {
  const names = ["http_proxy", "https_proxy", "no_proxy"];
  return Object.fromEntries(names.flatMap((n) => (process.env[n] === undefined ? [] : [[n, process.env[n]]])));
}
