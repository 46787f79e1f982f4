import type { Target } from "./target.ts";
import { checkpoint } from "./targets/checkpoint.ts";
import { call, callFiles } from "./targets/custom-dfn.ts";
import { deadLetters } from "./targets/dead-letters.ts";
import { fetched } from "./targets/fetched.ts";
import { gunzip } from "./targets/gunzip.ts";
import { frames } from "./targets/frames.ts";
import { json } from "./targets/json.ts";
import { kernel } from "./targets/kernel.ts";
import { lineReader } from "./targets/line-reader.ts";
import { pipeline } from "./targets/pipeline.ts";
import { salvaging } from "./targets/salvage.ts";
import { socket } from "./targets/socket.ts";
import { splitter } from "./targets/splitter.ts";
import { tail } from "./targets/tail.ts";
import { savedWindow } from "./targets/window.ts";
import { xml } from "./targets/xml.ts";

/** Everything that reads what others write. */
export const targets: readonly Target[] = [
  json,
  kernel,
  salvaging,
  xml,
  fetched,
  frames,
  pipeline,
  lineReader,
  socket,
  splitter,
  gunzip,
  tail,
  checkpoint,
  savedWindow,
  deadLetters,
  call,
  callFiles,
];
