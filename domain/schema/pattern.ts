/**
 * Which regular expressions a schema may hold. The runtime's engine backtracks, and the text that it is run on comes from
 * whoever may post; so an expression is taken only if the number of ways in which it could match a text is bounded:
 *
 *  - it begins with `^`, so that it is tried at one place only;
 *  - it repeats without an upper bound (`*`, `+`, `{2,}`) at one place at most, and there a single character or class;
 *  - its other choices (`?`, `{1,64}`, `a|b`) multiply to `patternWaysMax` at most, and to `patternEndlessWaysMax` if
 *    something repeats without a bound.
 *
 * No look-around and no back-references. Names of classes are those of JavaScript with the flag `u`.
 */
import { patternCharsMax, patternEndlessWaysMax, patternWaysMax } from "../limits.ts";

/** Why the expression is not taken; null if it is. */
export function patternFault(pattern: string): string | null {
  if (pattern.length > patternCharsMax) return `a pattern has at most ${patternCharsMax} characters`;
  if (!compiles(pattern)) return "it is no regular expression of JavaScript with the flag u";
  if (!pattern.startsWith("^")) return "a pattern begins with ^, or matching it could take too long";
  const reader = new Reader(pattern);
  reader.at = 1;
  const { ways, endless } = reader.sequence();
  if (reader.fault !== null) return reader.fault;
  if (reader.at < pattern.length) return "alternatives stand in a group, such as ^(a|b)$";
  if (endless > 1)
    return "a pattern may repeat without a bound only once; give the others one, such as {1,64}";
  const waysMax = endless === 0 ? patternWaysMax : patternEndlessWaysMax;
  return ways > waysMax
    ? `its choices multiply to more than ${waysMax} ways to match; lower their bounds`
    : null;
}

function compiles(pattern: string): boolean {
  try {
    return new RegExp(pattern, "u").source !== "";
  } catch {
    return false;
  }
}

interface Cost {
  /** In how many ways it can match at one place, not counting what repeats without a bound. */
  readonly ways: number;
  /** Places that repeat without a bound. */
  readonly endless: number;
  /** It is one character, whatever it matches. */
  readonly single: boolean;
}

const one: Cost = { ways: 1, endless: 0, single: true };

/** Reads an expression that the engine has accepted: what is unclear is refused, never guessed. */
class Reader {
  readonly #text: string;
  at = 0;
  fault: string | null = null;

  constructor(text: string) {
    this.#text = text;
  }

  #alternatives(): Cost {
    const found = [this.sequence()];
    while (this.#take("|")) found.push(this.sequence());
    return {
      ways: found.reduce((sum, { ways }) => sum + ways, 0),
      endless: Math.max(...found.map(({ endless }) => endless)),
      single: false,
    };
  }

  sequence(): Cost {
    let ways = 1;
    let endless = 0;
    while (this.at < this.#text.length && this.fault === null && !"|)".includes(this.#char())) {
      const cost = this.#repeated(this.#atom());
      ways *= cost.ways;
      endless += cost.endless;
    }
    return { ways, endless, single: false };
  }

  #atom(): Cost {
    const char = this.#char();
    this.at++;
    switch (char) {
      case "(":
        return this.#group();
      case "[":
        this.#class();
        return one;
      case "\\":
        this.#escape();
        return one;
      default:
        return one;
    }
  }

  #group(): Cost {
    if (this.#take("?") && !this.#take(":")) {
      this.fault = "a pattern may not look around or name groups";
      return one;
    }
    const cost = this.#alternatives();
    this.#take(")");
    return cost;
  }

  /** The engine has checked that the class ends. */
  #class(): void {
    for (; this.#char() !== "]"; this.at++) if (this.#char() === "\\") this.at++;
    this.at++;
  }

  #escape(): void {
    const char = this.#char();
    this.at++;
    if (/[1-9k]/.test(char)) this.fault = "a pattern may not refer back to a group";
    if (char === "u" || char === "p" || char === "P") {
      if (this.#take("{")) this.at = this.#text.indexOf("}", this.at) + 1;
      else this.at += 4;
    } else if (char === "x") this.at += 2;
    else if (char === "c") this.at += 1;
  }

  #repeated(atom: Cost): Cost {
    const [min, max] = this.#quantifier();
    if (max === 1 && min === 1) return atom;
    this.#take("?");
    if (max === Number.POSITIVE_INFINITY) {
      if (!atom.single) this.fault = "a group may not repeat without a bound; give it one, such as {0,8}";
      return { ways: 1, endless: 1, single: false };
    }
    if (atom.endless > 0 && max > 1) this.fault = "what repeats without a bound may not be repeated";
    let ways = 0;
    for (let times = min; times <= max && ways <= patternWaysMax; times++) ways += atom.ways ** times;
    return { ways, endless: atom.endless, single: false };
  }

  /** Least and most times; once if nothing is said. */
  #quantifier(): readonly [min: number, max: number] {
    if (this.#take("*")) return [0, Number.POSITIVE_INFINITY];
    if (this.#take("+")) return [1, Number.POSITIVE_INFINITY];
    if (this.#take("?")) return [0, 1];
    const bounds = /^\{(\d+)(,?)(\d*)\}/.exec(this.#text.slice(this.at));
    if (bounds === null) return [1, 1];
    const [whole, least = "", comma, most] = bounds;
    this.at += whole.length;
    const min = Number(least);
    return [min, comma === "" ? min : most === "" ? Number.POSITIVE_INFINITY : Number(most)];
  }

  #char(): string {
    return this.#text.charAt(this.at);
  }

  #take(char: string): boolean {
    if (this.#char() !== char) return false;
    this.at++;
    return true;
  }
}
