import type { OpenLogFile } from "./log/log-file.ts";
import type { Resume } from "./resume.ts";

/**
 * What is open, and so what is to be done next:
 *
 *                            EOF, nothing new          EOF, and another file
 *                opened      at the path: wait         is at the path
 *     placing ───────────► following ◄──┐ ───────────────────────► ending
 *      │  ▲ cannot be       │  ▲ └──────┘                            │ drained again, the rest
 *      │  └ read: wait      │  └─────────────── opened ───┐          │ behind the last newline
 *      │                    │ .gz at its end,             │          │ handed on, closed
 *      │ nothing to open    │ or broken: closed           │          │
 *      └────────────────────┴────────────────────────► between ◄─────┘
 *                                                         └─▲ nothing there, or it cannot be read: wait
 *
 * alerts.json, met at its end while older files hold something unread, counts as over, too, and is opened again after
 * them: a clock that was set back and right again leads from a file to an older one and back.
 *
 * A damaged archive that has changed is read on from between, or from following at the end of alerts.json, which stays
 * open and is continued afterwards.
 *
 * The file that is open is drained once more after another one was seen at the path: analysisd closes the old file
 * before it links the new one (Wazuh 4.14 source: src/analysisd/alerts/getloglocation.c:105-149), so what it flushed
 * between our last read and that moment is met, and nothing can come after it.
 */
export type FollowerState =
  { readonly kind: "placing"; readonly resume: Resume } | { readonly kind: "between" } | Following | Ending;

/** Draining a file that has ended. */
export interface Ending {
  readonly kind: "ending";
  readonly logFile: OpenLogFile;
}

/** Reading a file that is still written, a `.gz`, or what a damaged `.gz` lacked. */
export interface Following {
  readonly kind: "following";
  readonly logFile: OpenLogFile;
  /** Whether alerts.json was seen to be this file: it is then not over before something else is there. */
  wasLive: boolean;
  /** Whether it was found, at its end as alerts.json, that nothing older is unread. */
  isNewest?: boolean;
  /** Present if reading of a damaged archive continues because it changed. `back`: where to continue afterwards. */
  readonly revisit?: { readonly back: Following | undefined };
}
