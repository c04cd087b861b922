const LOOPBACK = /^(127(\.\d{1,3}){3}|localhost|::1)$/;

/** True for a host that only this machine reaches. */
export const isLoopback = (host: string): boolean => LOOPBACK.test(host);
