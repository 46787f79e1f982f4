import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { StatusAnswer } from "./route.ts";

/** Inserted by the bundler: the page as `scripts/bundle/page.ts` makes it. */
declare const __PAGE__: string | undefined;

let made: StatusAnswer | undefined;

/**
 * The page. It is the same for everybody and holds no data. Its own script and style are named by their hashes, so that a
 * browser runs nothing else, wherever it may come from; text can only be set as text (Trusted Types).
 */
export function pageAnswer(): StatusAnswer {
  made ??= answerOf(typeof __PAGE__ === "string" ? __PAGE__ : unbundledPage());
  return made;
}

/** The build puts the page next to the compiled files too. */
function unbundledPage(): string {
  return readFileSync(join(import.meta.dirname, "../page/page.html"), "utf8");
}

function answerOf(html: string): StatusAnswer {
  const policy = [
    "default-src 'none'",
    `script-src ${hashOf(html, "script")}`,
    `style-src ${hashOf(html, "style")}`,
    "connect-src 'self'",
    "img-src data:", // an empty icon, so that the browser asks for none
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; ");
  const headers = { "content-security-policy": policy, "referrer-policy": "no-referrer" };
  return { status: 200, type: "text/html; charset=utf-8", body: html, headers };
}

/** The source expression for the one inline element of this name. */
function hashOf(html: string, element: "script" | "style"): string {
  const begin = html.indexOf(`<${element}>`) + element.length + 2;
  const content = html.slice(begin, html.indexOf(`</${element}>`, begin));
  return `'sha256-${createHash("sha256").update(content).digest("base64")}'`;
}
