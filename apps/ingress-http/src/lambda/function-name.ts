import { isAlias, isVersion, LATEST } from '#contracts';
import { ServiceError } from './service-error.js';

/** A function as a caller of Lambda names it. */
export interface NamedFunction {
  /** `users/find`, or `users-find`. */
  readonly name: string;
  /** Version or alias; absent: the route decides. */
  readonly qualifier?: string;
}

// Lambda's forms: a name, a partial ARN (`000000000000:function:name`), a whole one; each perhaps with `:qualifier`.
const ARN = /^(?:arn:aws[a-zA-Z-]*:lambda:)?(?:[a-z]{2}(?:-[a-z]+)+-\d:)?(?:\d{12}:)?(?:function:)?/;

/**
 * Takes a name apart: Lambda's forms, and the mesh's own `users/find@1.2.0`.
 * @param qualifier what the query says beside it
 * @throws ServiceError `InvalidParameterValueException`
 */
export function parseFunctionName(text: string, qualifier?: string): NamedFunction {
  const bare = text.slice(ARN.exec(text)?.[0].length ?? 0);
  const [, name = '', inName] = /^([^:@]*)(?:[:@](.*))?$/s.exec(bare) ?? [];
  if (name === '') throw invalid('The function has no name.');
  if (inName !== undefined && qualifier !== undefined && inName !== qualifier)
    throw invalid('Name and Qualifier name different versions.');
  const wanted = qualifier ?? inName;
  if (wanted === undefined || wanted === LATEST) return { name };
  if (!isVersion(wanted) && !isAlias(wanted))
    throw invalid('A qualifier is a version such as 1.2.0, an alias, or $LATEST.');
  return { name, qualifier: wanted };
}

const invalid = (why: string) => new ServiceError('InvalidParameterValueException', why);
