/** CloudEvents 1.0: what comes in, checked by the specification and kept as it was written. */
export type { AdmissibleEvent, Admission } from "./event.ts";
export { type BinaryBody, admitBinary } from "./binary.ts";
export { type TextForm, admitJsonText } from "./text.ts";
export { charsetOf, essenceOf, isUtf8Charset } from "./media-type.ts";
