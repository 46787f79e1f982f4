/**
 * The line of every setting of a TOML text, which the parser does not tell.
 * @param text TOML that a parser has accepted
 * @returns the line, counted from 1, per path of names joined by NUL
 */
export function settingLines(text: string): Map<string, number> {
  const scanner = new Scanner(text);
  scanner.document();
  return scanner.lines;
}

/** Walks over the text once. It trusts the grammar, since the parser has checked it, and always moves forward. */
class Scanner {
  readonly lines = new Map<string, number>();
  readonly #text: string;
  #at = 0;
  #line = 1;

  constructor(text: string) {
    this.#text = text;
  }

  document(): void {
    let table: string[] = [];
    for (this.#blanks(); this.#at < this.#text.length; this.#blanks()) {
      if (this.#peek() === "[") {
        while (this.#peek() === "[") this.#step();
        table = this.#name([]);
        while (this.#peek() === "]") this.#step();
      } else {
        this.#assignment(table);
      }
    }
  }

  #assignment(table: readonly string[]): void {
    const path = this.#name(table);
    this.#step(); // the equals sign
    this.#blanks();
    this.#value(path);
  }

  /** A name in dots, noted with its line (and each name before a dot, where that is new); ends at `=` or `]`. */
  #name(table: readonly string[]): string[] {
    const path = [...table];
    for (;;) {
      this.#blanks();
      path.push(this.#namePart());
      const key = path.join("\u0000");
      if (!this.lines.has(key)) this.lines.set(key, this.#line);
      this.#blanks();
      if (this.#peek() !== ".") return path;
      this.#step();
    }
  }

  #namePart(): string {
    const start = this.#at;
    const quote = this.#peek();
    if (quote === '"' || quote === "'") {
      this.#string();
      const raw = this.#text.slice(start + 1, this.#at - 1);
      // A name with escapes is not the name of a setting; its raw form is good enough for a message.
      return raw;
    }
    while (/[\w-]/.test(this.#peek())) this.#step();
    if (this.#at === start) this.#step();
    return this.#text.slice(start, this.#at);
  }

  #value(path: readonly string[]): void {
    const first = this.#peek();
    if (first === '"' || first === "'") this.#string();
    else if (first === "{") this.#inside("}", () => this.#assignment(path));
    else if (first === "[") this.#inside("]", () => this.#value([...path, "[]"]));
    else while (this.#at < this.#text.length && !/[,\]}\n#]/.test(this.#peek())) this.#step();
  }

  #inside(close: string, part: () => void): void {
    this.#step();
    for (this.#blanks(); this.#at < this.#text.length && this.#peek() !== close; this.#blanks()) {
      if (this.#peek() === ",") this.#step();
      else part();
    }
    this.#step();
  }

  #string(): void {
    const quote = this.#peek();
    const fence = this.#text.startsWith(quote.repeat(3), this.#at) ? quote.repeat(3) : quote;
    this.#step(fence.length);
    while (this.#at < this.#text.length && !this.#text.startsWith(fence, this.#at)) {
      this.#step(quote === '"' && this.#peek() === "\\" ? 2 : 1);
    }
    this.#step(fence.length);
    // Up to two quotes may stand right before the closing three.
    while (fence.length === 3 && this.#peek() === quote) this.#step();
  }

  /** White space, newlines and comments. */
  #blanks(): void {
    for (;;) {
      if (this.#peek() === "#") {
        const end = this.#text.indexOf("\n", this.#at);
        this.#at = end < 0 ? this.#text.length : end;
      } else if (this.#peek() !== "" && " \t\r\n".includes(this.#peek())) {
        this.#step();
      } else {
        return;
      }
    }
  }

  #peek(): string {
    return this.#text[this.#at] ?? "";
  }

  #step(count = 1): void {
    for (let i = 0; i < count; i++) {
      if (this.#peek() === "\n") this.#line++;
      this.#at++;
    }
  }
}
