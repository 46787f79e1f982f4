/** The list of alerts as they flow by. It is off until somebody wants it: while nobody looks, the forwarder looks at nothing. */
import { aboutOf, LastAlerts, type TappedView } from "../tapped-view.ts";
import { Client, NotAnswered } from "./client.ts";
import { byId, show, showTable } from "./dom.ts";

const drawEveryMs = 1000;
const againMs = 5000;
/** How long it is said that not all are shown. */
const sampledMs = 10_000;

export class Tapped {
  readonly #status: Client;
  /** With a token of its own, if the one of the status does not show contents. */
  readonly #client = new Client();
  readonly #button = byId("tap");
  readonly #form = byId("tap-ask");
  readonly #field = byId("tap-token");
  #alerts = new LastAlerts();
  #session: AbortController | undefined;
  #sampledAt = Number.NEGATIVE_INFINITY;
  #isDrawDue = false;

  /** @param status whose token is used until another one is given */
  constructor(status: Client) {
    this.#status = status;
  }

  /** Does from now on what the button says. */
  offer(): void {
    this.#button.addEventListener("click", () => {
      if (this.#session === undefined) this.#start();
      else this.#stop("Stopped.");
    });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#field instanceof HTMLInputElement) {
        this.#client.token = this.#field.value.trim();
        this.#field.value = "";
      }
      this.#button.focus();
      this.#start();
    });
  }

  #start(): void {
    this.#form.hidden = true;
    this.#session = new AbortController();
    this.#alerts = new LastAlerts();
    this.#draw();
    this.#label("Stop");
    this.#note("Connecting.");
    void this.#follow(this.#session.signal);
  }

  #stop(note: string): void {
    this.#session?.abort();
    this.#session = undefined;
    this.#label("Show the last alerts");
    this.#note(note);
  }

  async #follow(signal: AbortSignal): Promise<void> {
    if (this.#client.token === "") this.#client.token = this.#status.token;
    while (!signal.aborted) {
      let note = "Not connected; it is tried again.";
      try {
        await this.#client.events("tap", (event, data) => this.#take(event, data), signal);
      } catch (reason) {
        if (signal.aborted) return;
        if (reason instanceof NotAnswered) {
          if (reason.status === 401 || reason.status === 403) {
            this.#ask(reason.message);
            return;
          }
          note = `Not connected: ${reason.message}; it is tried again.`;
        }
      }
      this.#note(note);
      await new Promise((resolve) => {
        setTimeout(resolve, againMs);
      });
    }
  }

  /** Another token may open it. */
  #ask(why: string): void {
    this.#client.token = "";
    this.#stop(`Not shown: ${why}.`);
    this.#form.hidden = false;
    this.#field.focus();
  }

  #take(event: string, data: string): void {
    if (event === "alert") {
      // The forwarder's own words; what else answers is not believed to have this form.
      const alert: TappedView = JSON.parse(data);
      this.#alerts.take(alert);
    } else if (event === "sampled") this.#sampledAt = performance.now();
    else if (event !== "listening") return;
    if (this.#isDrawDue) return;
    this.#isDrawDue = true;
    setTimeout(() => {
      this.#isDrawDue = false;
      if (this.#session === undefined) return;
      this.#draw();
      const isSample = performance.now() - this.#sampledAt < sampledMs;
      this.#note(isSample ? "More alerts come than can be shown: this is a sample of them." : "Listening.");
    }, drawEveryMs);
  }

  #draw(): void {
    const rows = this.#alerts.newestFirst.map((alert) => [
      alert.id ?? "no id",
      alert.verdict,
      alert.reason,
      alert.source,
      aboutOf(alert),
      alert.time.slice(11, 19),
    ]);
    showTable("tapped", rows);
  }

  #label(text: string): void {
    show(this.#button, text, () => [text]);
  }

  #note(text: string): void {
    show(byId("tap-note"), text, () => [text]);
  }
}
