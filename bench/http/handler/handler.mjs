import { answerTo } from '../answer.mjs';

/** What the mesh runs in (b) and (c). A plain function: it has no path of its own, so one artifact serves both. */
export default (event) => answerTo(event.query.id);
