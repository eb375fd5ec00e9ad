/** Nothing could be verified: the input is not there or cannot be read. No verdict on the data. */
export class Unusable extends Error {
  override readonly name = "Unusable";
}
