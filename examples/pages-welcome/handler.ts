import { type HttpAnswer, handler } from '@lambda-mesh/handler';

const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

export default handler('pages/welcome', { version: '1.0.0' }, ({ query }): HttpAnswer => {
  const name = [query.name].flat()[0];
  if (!name) return { statusCode: 302, headers: { location: '/pages/welcome?name=stranger' } };
  return {
    statusCode: 200,
    headers: { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' },
    cookies: [`name=${encodeURIComponent(name)}; Path=/pages; HttpOnly; SameSite=Lax`],
    body: `<!doctype html><title>Welcome</title><h1>Welcome, ${escapeHtml(name)}!</h1>\n`,
  };
});
