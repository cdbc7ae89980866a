import type { Command } from "./command.ts";
import { approve } from "./commands/approve.ts";
import { audit } from "./commands/audit.ts";
import { completion } from "./commands/completion.ts";
import { deny } from "./commands/deny.ts";
import { ekList } from "./commands/ek-list.ts";
import { ekPin } from "./commands/ek-pin.ts";
import { ekUnpin } from "./commands/ek-unpin.ts";
import { explain } from "./commands/explain.ts";
import { firmwareAccept } from "./commands/firmware-accept.ts";
import { firmwareList } from "./commands/firmware-list.ts";
import { firmwareShow } from "./commands/firmware-show.ts";
import { health } from "./commands/health.ts";
import { inspectEventlog } from "./commands/inspect-eventlog.ts";
import { inspectEvidence } from "./commands/inspect-evidence.ts";
import { inspectQuote } from "./commands/inspect-quote.ts";
import { nodeEvidence } from "./commands/node-evidence.ts";
import { nodeShow } from "./commands/node-show.ts";
import { nodes } from "./commands/nodes.ts";
import { pending } from "./commands/pending.ts";
import { releaseActivate } from "./commands/release-activate.ts";
import { releaseList } from "./commands/release-list.ts";
import { releaseStage } from "./commands/release-stage.ts";
import { releaseWithdraw } from "./commands/release-withdraw.ts";
import { revoke } from "./commands/revoke.ts";
import { serve } from "./commands/serve.ts";
import { windowClose } from "./commands/window-close.ts";
import { windowOpen } from "./commands/window-open.ts";
import { windowStatus } from "./commands/window-status.ts";

/** Every command, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  pending,
  approve,
  deny,
  nodes,
  nodeShow,
  nodeEvidence,
  explain,
  revoke,
  firmwareList,
  firmwareShow,
  firmwareAccept,
  releaseList,
  releaseStage,
  releaseActivate,
  releaseWithdraw,
  windowOpen,
  windowClose,
  windowStatus,
  ekList,
  ekPin,
  ekUnpin,
  audit,
  health,
  inspectEventlog,
  inspectQuote,
  inspectEvidence,
  serve,
  completion(() => COMMANDS),
];
