/** Numbers as people read them. */

const NARROW_SPACE = "\u202f";

/** Return a share of 1 as a percentage; what rounds to none or all is said to be near it only. */
export function percent(share) {
  if (!Number.isFinite(share)) return "–";
  if (share > 0 && share < 0.0005) return `<${NARROW_SPACE}0.1${NARROW_SPACE}%`;
  if (share < 1 && share >= 0.9995) return `>${NARROW_SPACE}99.9${NARROW_SPACE}%`;
  return `${(100 * share).toFixed(1)}${NARROW_SPACE}%`;
}

/** Return a number with its thousands apart, and at most four significant digits behind the point. */
export function number(value) {
  if (!Number.isFinite(value)) return "–";
  if (!Number.isInteger(value)) return String(Number(value.toPrecision(4)));
  return String(value).replace(/\B(?=(\d{3})+$)/g, NARROW_SPACE);
}

/** Return a count of bytes in MB, as limits are told. */
export function megabytes(bytes) {
  return `${Number((bytes / 1024 ** 2).toPrecision(3))}${NARROW_SPACE}MB`;
}

/** Return "1 sample", "2 samples". */
export function counted(count, noun) {
  return `${number(count)} ${noun}${count === 1 ? "" : noun.endsWith("s") ? "es" : "s"}`;
}
