import { isErrorCode } from '../../../contracts/src/errors.js';
import { utf8 } from '../../../contracts/src/json-body.js';
import { describe, type Outcome, type OutcomeCause } from '../outcome.js';

/** An error as Lambda's Runtime API takes it: "Custom runtimes", invocation error. */
export interface ErrorReport {
  /** Goes into the header `Lambda-Runtime-Function-Error-Type`. */
  readonly category: string;
  readonly document: {
    readonly errorType: string;
    readonly errorMessage: string;
    readonly trace: readonly string[];
    /** Of the handler's own no: the mesh knows what Lambda has no word for. */
    readonly statusCode?: number;
  };
}

/** Why a run did not end OK: the handler's own no, or what it threw. */
export function reportOf(ended: Outcome): ErrorReport {
  const { outcome, cause, detail } = ended;
  if (outcome === 'failed') return failedReport(ended);
  if (outcome === 'handler-error' && cause) return report('Function.Error', cause);
  return report('Function.Error', {
    ...cause,
    name: pascal(outcome),
    message: detail ?? cause?.message ?? outcome,
  });
}

/** The message is the whole body, which whoever asked may want to read: bytes are base64. */
function failedReport({ status, body }: Outcome): ErrorReport {
  const message = utf8(body) ?? Buffer.from(body).toString('base64');
  const { category, document } = report('Function.Failed', { name: 'Failed', message });
  return { category, document: { ...document, statusCode: status } };
}

/** What is wrong before any event: the module does not load. */
export function initReportOf(error: unknown): ErrorReport {
  const { name, message, stack } = describe(error);
  const cause = error instanceof Error && error.cause !== undefined ? describe(error.cause) : undefined;
  const code = (error as { code?: unknown } | undefined)?.code;
  return report('Runtime.InitError', {
    name: isErrorCode(code) ? `Runtime.${pascal(code)}` : name,
    message: cause ? `${message} ${cause.name}: ${cause.message}` : message,
    ...((cause?.stack ?? stack) === undefined ? {} : { stack: (cause?.stack ?? stack) as string }),
  });
}

function report(category: string, { name, message, stack }: OutcomeCause): ErrorReport {
  return { category, document: { errorType: name, errorMessage: message, trace: stack?.split('\n') ?? [] } };
}

/** `bad-body` → `BadBody` */
const pascal = (code: string): string =>
  code.replace(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
