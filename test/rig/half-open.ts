/**
 * A program that holds connections open and never completes a request: a third sends nothing, a third half a request, a
 * third a byte at a time. Any connection that is closed is opened again at once. Run as root it first becomes the given
 * user and group, so that it is an attacker on this machine and no more. Prints "ready" when all of them have been
 * connected.
 *
 * Usage: half-open PORT|PATH COUNT UID GID
 */
import { connect, type Socket } from "node:net";

const [target = "", count = "0", uid = "0", gid = "0"] = process.argv.slice(2);
if (process.getuid?.() === 0) {
  process.setgroups?.([]);
  process.setgid?.(Number(gid));
  process.setuid?.(Number(uid));
}
const dripEveryMs = 50;
const wanted = Number(count);
let connected = 0;
const dripping = new Set<Socket>();

function open(kind: number): void {
  const socket = /^\d+$/.test(target) ? connect(Number(target), "127.0.0.1") : connect(target);
  let wasConnected = false;
  socket.on("connect", () => {
    wasConnected = true;
    if (++connected === wanted) process.stdout.write("ready\n");
    if (kind === 1) socket.write("GET /metrics HTTP/1.1\r\nHost: localhost\r\nX-Slow: ");
    if (kind === 2) dripping.add(socket);
  });
  socket.on("error", () => undefined); // A dropped connection looks like one.
  socket.on("close", () => {
    dripping.delete(socket);
    if (wasConnected && connected < wanted) connected -= 1;
    setImmediate(open, kind);
  });
  socket.resume();
}

for (let index = 0; index < wanted; index++) open(index % 3);
setInterval(() => {
  for (const socket of dripping) socket.write("G");
}, dripEveryMs);
