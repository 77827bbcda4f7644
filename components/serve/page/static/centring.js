/** Puts a drawing where digit-type models expect it, as MNIST does: scaled to a share of the field, then centred by mass.
 *
 * Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits": digits fit a 20 x 20 box and their
 * centre of mass lies in the middle of the 28 x 28 field. Here the share is that of the bundle's own examples.
 * Strokes are lists of points [x, y]; the field reaches from 0 to 1 both ways, `pen` is the line's width in it.
 */

/** Return `strokes` scaled so that the ink's longer side is `extent`, its centre of mass in the middle, all of it inside. */
export function centred(strokes, extent, pen) {
  const { low, high } = bounds(strokes);
  const longest = Math.max(high[0] - low[0], high[1] - low[1]);
  const scale = longest > 0 ? Math.max(extent - pen, 0.05) / longest : 1;
  const mass = centreOfMass(strokes);
  const shift = [0, 1].map((axis) => inside(0.5 - mass[axis] * scale, low[axis] * scale, high[axis] * scale, pen / 2));
  return strokes.map((stroke) => stroke.map((point) => point.map((value, axis) => value * scale + shift[axis])));
}

/** Return the corners of the box around all points. */
export function bounds(strokes) {
  const points = strokes.flat();
  const along = (axis, pick) => points.reduce((most, point) => pick(most, point[axis]), points[0][axis]);
  return { low: [along(0, Math.min), along(1, Math.min)], high: [along(0, Math.max), along(1, Math.max)] };
}

/** Return the centre of mass of the lines: the mean of the middles of their segments, weighted by length. */
export function centreOfMass(strokes) {
  const sum = [0, 0];
  let total = 0;
  for (const stroke of strokes) {
    for (const [index, point] of stroke.entries()) {
      const from = stroke[Math.max(0, index - 1)];
      const weight = Math.hypot(point[0] - from[0], point[1] - from[1]) + 1e-6; // A dot weighs something, too.
      total += weight;
      for (const axis of [0, 1]) sum[axis] += (weight * (point[axis] + from[axis])) / 2;
    }
  }
  return sum.map((value) => value / total);
}

function inside(shift, low, high, margin) {
  return Math.min(Math.max(shift, margin - low), Math.max(1 - margin - high, margin - low));
}
