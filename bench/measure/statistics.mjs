/** The value below which a share of the values lies, interpolated between neighbours. */
export function quantile(values, share) {
  if (values.length === 0) throw new RangeError('there is no quantile of nothing');
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (at - below);
}

/** Median and quartiles: what one noisy round cannot move far. */
export function spread(values) {
  return { median: quantile(values, 0.5), low: quantile(values, 0.25), high: quantile(values, 0.75) };
}

/** The spread of the ratios of each round: both sides met the same noise, so most of it divides out. */
export function pairedRatio(numerators, denominators) {
  if (numerators.length !== denominators.length) throw new RangeError('ratios need pairs');
  return spread(numerators.map((numerator, round) => numerator / denominators[round]));
}
