import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { howToInstall, installPrograms } from "../../scripts/kafka/programs.ts";
import { eventually } from "./eventually.ts";

/** What is used of playwright-core. Its own types need those of the DOM, which the forwarder's project does not have. */
interface Playwright {
  readonly chromium: { launch(options: object): Promise<Chromium> };
}
interface Chromium {
  newContext(options: object): Promise<Context>;
  close(): Promise<void>;
}
interface Context {
  newPage(): Promise<Tab>;
  newCDPSession(tab: Tab): Promise<Protocol>;
  close(): Promise<void>;
}
/** Chromium's own protocol: what it evaluates is not subject to the page's policy, as it is for playwright's functions. */
interface Protocol {
  send(method: "Runtime.evaluate", parameters: object): Promise<Evaluated>;
}
interface Evaluated {
  readonly result: { readonly value?: unknown };
  readonly exceptionDetails?: { readonly text: string; readonly exception?: { readonly description?: string } };
}
interface Tab {
  on(event: "request", listener: (request: { url(): string }) => void): void;
  on(event: "console", listener: (message: { type(): string; text(): string }) => void): void;
  on(event: "pageerror", listener: (error: Error) => void): void;
  goto(url: string): Promise<unknown>;
  setViewportSize(size: { width: number; height: number }): Promise<void>;
  emulateMedia(media: object): Promise<void>;
  screenshot(options: object): Promise<unknown>;
  readonly keyboard: { press(key: string): Promise<void>; type(text: string): Promise<void> };
}

const require = createRequire(import.meta.url);
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
/** What runs in the page is kept as output of the test run. */
const screenshots = "build/screenshots";

/** A real Chromium without a window. */
export class Browser implements AsyncDisposable {
  readonly #chromium: Chromium;

  private constructor(chromium: Chromium) {
    this.#chromium = chromium;
  }

  /** @throws Error when Chromium is missing and cannot be installed */
  static async start(): Promise<Browser> {
    const missing = installPrograms(["chromium"]);
    if (missing.length > 0) throw new Error(howToInstall(missing));
    const playwright: Playwright = require("playwright-core");
    const sandbox = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
    const args = [...sandbox, "--disable-dev-shm-usage"];
    return new Browser(await playwright.chromium.launch({ executablePath: "/usr/bin/chromium", args }));
  }

  /** A page in a profile of its own. */
  async open(url: string, width = 1280): Promise<BrowserPage> {
    const context = await this.#chromium.newContext({ viewport: { width, height: 900 } });
    const tab = await context.newPage();
    const page = new BrowserPage(context, tab, await context.newCDPSession(tab));
    await page.visit(url);
    return page;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#chromium.close();
  }
}

/** A page as a person sees and uses it. */
export class BrowserPage implements AsyncDisposable {
  readonly #context: Context;
  readonly #tab: Tab;
  readonly #protocol: Protocol;
  /** Everything that it asked for. */
  readonly urls: string[] = [];
  /** Errors of its script, and what the browser refused it. */
  readonly errors: string[] = [];

  constructor(context: Context, tab: Tab, protocol: Protocol) {
    this.#context = context;
    this.#tab = tab;
    this.#protocol = protocol;
    tab.on("request", (request) => this.urls.push(request.url()));
    tab.on("pageerror", (error) => this.errors.push(error.message));
    tab.on("console", (message) => {
      if (message.type() === "error") this.errors.push(message.text());
    });
  }

  async visit(url: string): Promise<void> {
    await this.#tab.goto(url);
  }

  /** The value of an expression of JavaScript in the page, or what its promise gives. @throws Error as it does */
  async evaluate(expression: string): Promise<unknown> {
    const how = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await this.#protocol.send("Runtime.evaluate", how);
    if (exceptionDetails === undefined) return result.value;
    throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  }

  /** The text of an element as it is shown; without a selector of all. */
  async text(selector = "body"): Promise<string> {
    // An SVG has no innerText.
    const read = "(at) => at.innerText ?? [...at.querySelectorAll('text')].map((text) => text.textContent).join(' ')";
    return String(await this.evaluate(`(${read})(document.querySelector(${JSON.stringify(selector)}))`));
  }

  /** Resolves with the text of an element once it matches. */
  shows(pattern: RegExp, selector?: string): Promise<string> {
    return eventually(`${String(pattern)} on the page`, async () => {
      const text = await this.text(selector);
      if (!pattern.test(text)) throw new Error(text);
      return text;
    });
  }

  async resize(width: number): Promise<void> {
    await this.#tab.setViewportSize({ width, height: 900 });
    // Drawn for the new width.
    await this.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))");
  }

  async dark(isDark: boolean): Promise<void> {
    await this.#tab.emulateMedia({ colorScheme: isDark ? "dark" : "light" });
  }

  async press(...keys: readonly string[]): Promise<void> {
    for (const key of keys) await this.#tab.keyboard.press(key);
  }

  async type(text: string): Promise<void> {
    await this.#tab.keyboard.type(text);
  }

  /** Saves the whole page as a picture in build/screenshots. */
  async picture(name: string): Promise<void> {
    mkdirSync(screenshots, { recursive: true });
    await this.#tab.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });
  }

  /** What axe-core finds, all of it: rule, impact and where. */
  async accessibilityFaults(): Promise<string[]> {
    await this.evaluate(`${axe}; undefined`);
    const found: unknown = await this.evaluate(
      "axe.run().then(({ violations }) => violations.flatMap(({ id, impact, nodes }) => nodes.map((node) => `${id} (${impact}): ${node.target} ${node.failureSummary}`)))",
    );
    return Array.isArray(found) ? found.map(String) : [String(found)];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#context.close();
  }
}
