/** What row b is compared with: `JSON.parse` of every line of a file, read 1 MiB at a time. Argument: the file. */
import { openSync, readSync } from "node:fs";
import { present } from "../../rig/present.ts";

const file = openSync(present(process.argv[2]), "r");
const chunk = Buffer.alloc(1024 * 1024);
let carry = Buffer.alloc(0);
let objects = 0;
for (let count = readSync(file, chunk); count > 0; count = readSync(file, chunk)) {
  let at = 0;
  for (let end = chunk.indexOf(0x0a); end >= 0 && end < count; at = end + 1, end = chunk.indexOf(0x0a, at)) {
    const line = carry.length > 0 ? Buffer.concat([carry, chunk.subarray(at, end)]) : chunk.subarray(at, end);
    carry = Buffer.alloc(0);
    const alert: unknown = JSON.parse(line.toString("utf8"));
    if (typeof alert === "object") objects += 1;
  }
  carry = Buffer.concat([carry, chunk.subarray(at, count)]);
}
process.stdout.write(`${objects}\n`);
