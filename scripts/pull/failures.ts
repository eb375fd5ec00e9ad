/** How a pull ends early. Faults of the data are no failures: they are outcomes of their hour (`domain/pull`). */

/** It cannot be done as asked: an unknown stream, a key that is not taken. Trying again changes nothing. */
export class Refused extends Error {
  override readonly name = "Refused";
}

/** The source does not answer, or the folder cannot be written: nothing is said of the data, and a repeat goes on. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";
}

/** The source does not hold what its manifest says. */
export class CorruptSource extends Error {
  override readonly name = "CorruptSource";
}

/** The source had it, and has deleted it: its stream's retention is over. */
export class Expired extends Error {
  override readonly name = "Expired";
}
