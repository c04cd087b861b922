import { handler } from '@lambda-mesh/handler';

const WORDS: Record<string, string> = { de: 'Guten Tag', en: 'Hello', fr: 'Bonjour', ja: 'こんにちは' };

export default handler(
  'greetings/show',
  { version: '1.0.0', triggers: [{ http: { method: 'GET', path: '/greetings/{language}/{name}' } }] },
  ({ params }, context) => {
    const word = WORDS[params.language ?? ''];
    if (!word)
      return context('FAIL', { error: 'No such language', known: Object.keys(WORDS) }, { status: 404 });
    return { greeting: `${word}, ${params.name}!` };
  },
);
