type Values = Readonly<Record<string, string>>;

/**
 * What stands where a trigger's path has `{name}`: for function URLs and catch-all routes, whose gateway knows no
 * parameters. As in the mesh, literal segments go before parameters, and a value is decoded once.
 * @param templates such as `/users/{id}`
 */
export function parametersOf(templates: readonly string[]): (path: string) => Values | undefined {
  // More literal text first: /users/all before /users/{id}.
  const matchers = [...templates].sort((a, b) => literals(b) - literals(a)).map(matcherOf);
  return (path) => {
    for (const matches of matchers) {
      const values = matches(path);
      if (values) return Object.keys(values).length > 0 ? values : undefined;
    }
    return undefined;
  };
}

const literals = (template: string): number =>
  template.split('/').filter((segment) => !segment.startsWith('{')).length;

function matcherOf(template: string): (path: string) => Values | undefined {
  const segments = template.split('/');
  return (path) => {
    const parts = path.split('/');
    if (parts.length !== segments.length) return undefined;
    const values: Record<string, string> = {};
    for (const [at, segment] of segments.entries()) {
      const part = parts[at] as string;
      if (!segment.startsWith('{')) {
        if (part !== segment) return undefined;
      } else values[segment.slice(1, -1)] = decode(part);
    }
    return values;
  };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
