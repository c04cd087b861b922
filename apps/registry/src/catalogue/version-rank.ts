const RELEASE = '~';
/** Ends an identifier: lower than any character of one, so that `alpha` comes before `alpha-x` and `alpha.1`. */
const END = '!';
const NUMERIC = /^\d+$/;

/**
 * A text for each semantic version, such that comparing texts byte by byte is comparing versions by precedence
 * (https://semver.org, clause 11): Postgres sorts and pages by it. Build metadata has no precedence and is left out.
 * Kept with each version: it must stay as it is.
 * @param version a valid semantic version
 */
export function versionRank(version: string): string {
  const [precedence = ''] = version.split('+');
  const dash = precedence.indexOf('-');
  const core = dash < 0 ? precedence : precedence.slice(0, dash);
  const numbers = core.split('.').map(numberRank).join('');
  // A release has a higher precedence than its pre-releases.
  if (dash < 0) return numbers + RELEASE;
  const identifiers = precedence.slice(dash + 1).split('.');
  return numbers + identifiers.map(identifierRank).join('');
}

/** Clause 11.4: numbers by value and below texts, texts in ASCII order. */
function identifierRank(identifier: string): string {
  return NUMERIC.test(identifier) ? `0${numberRank(identifier)}${END}` : `1${identifier}${END}`;
}

/** The number of digits comes first; a version has fewer than 100 of them. */
const numberRank = (digits: string): string => String(digits.length).padStart(2, '0') + digits;
