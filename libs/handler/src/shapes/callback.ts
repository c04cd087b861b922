/** `callback(error)`, or `callback(null, result)`. */
export type Callback = (error?: unknown, result?: unknown) => void;

/**
 * Runs a function as Lambda did up to Node.js 22 ("Using callback functions"): what it returns is not its answer, unless
 * that is a promise; the first of the two counts. It has ended when it has answered, as Lambda has it with
 * `callbackWaitsForEmptyEventLoop = false`: a worker's event loop is never empty.
 */
export function byCallback(run: (callback: Callback) => unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const returned = run((error, result) => {
      if (error === undefined || error === null) resolve(result);
      else reject(error);
    });
    // Not resolved with it: that would shut out a callback that comes before the promise settles.
    if (isThenable(returned)) returned.then(resolve, reject);
  });
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as PromiseLike<unknown> | undefined | null)?.then === 'function';
