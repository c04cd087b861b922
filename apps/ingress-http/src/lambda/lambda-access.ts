import type { IncomingMessage } from 'node:http';
import { isLoopback } from '#lifecycle';
import { accessCheck } from '../access.js';
import type { IngressHttpConfig } from '../config.js';
import { ServiceError } from './service-error.js';
import { checkSignature, claimOf } from './signature.js';

/** The second half of a check, for when the body is there. @throws ServiceError */
type BodyCheck = (body: Uint8Array) => Promise<void>;
/** Refuses by the head alone what it can. @throws ServiceError or MeshError `unauthorized` */
export type LambdaAccess = (request: IncomingMessage) => BodyCheck;

const FINE: BodyCheck = async () => undefined;

/**
 * Who may call by Lambda's API:
 *
 *   credentials configured   whoever signs with one of them
 *   a token configured       whoever brings it, as everywhere else
 *   on loopback              everyone; signatures are not looked at, since SDKs cannot help making one
 *   elsewhere                nobody
 */
export function lambdaAccess(
  config: Pick<IngressHttpConfig, 'host' | 'token' | 'lambdaCredentials'>,
): LambdaAccess {
  const { host, token, lambdaCredentials } = config;
  if (lambdaCredentials)
    return (request) => {
      const claim = claimOf(request, lambdaCredentials, Date.now());
      return (body) => checkSignature(claim, request, body);
    };
  if (token !== undefined) {
    const check = accessCheck(config);
    return ({ headers }) => {
      check(headers);
      return FINE;
    };
  }
  if (isLoopback(host)) return () => FINE;
  return () => {
    throw new ServiceError(
      'AccessDeniedException',
      "Lambda's API is closed here until MESH_LAMBDA_CREDENTIALS is set.",
    );
  };
}
