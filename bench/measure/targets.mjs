/*
 * What a measurement is held against, and whether it was met: figures of one run, each with its bound.
 */

/** @param {{ atMost?: number, atLeast?: number, unit?: string, digits?: number }} bound one of the two */
export function target(what, value, { atMost, atLeast, unit = '', digits = 2 }) {
  const met = atMost === undefined ? value >= atLeast : value <= atMost;
  return { what, value, ...(atMost === undefined ? { atLeast } : { atMost }), unit, digits, met };
}

/** A line for each. */
export const targetLines = (targets) => targets.map(targetLine);

function targetLine({ what, value, atMost, atLeast, unit, digits, met }) {
  const bound = atMost === undefined ? `at least ${atLeast}` : `at most ${atMost}`;
  return `${met ? 'met    ' : 'NOT MET'}  ${what}: ${value.toFixed(digits)} (${bound}${unit && ` ${unit}`})`;
}

/** The first line of a report: what its figures depend on. */
export const machineLine = ({ cores, model, governor, node, loadBefore }) =>
  `${cores} cores (${model}; governor ${governor}), node ${node}, load before ${loadBefore.toFixed(2)}`;
