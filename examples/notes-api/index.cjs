// A function as it was written for AWS Lambda behind API Gateway (payload format 2.0), brought here without a change:
// package.json says under which path, for which requests, and that it is given API Gateway's document.
const notes = new Map([['1', 'Buy milk']]);

const answer = (statusCode, body) => ({
  statusCode,
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify(body),
});

exports.handler = async (event, context) => {
  const id = event.pathParameters?.id;
  switch (event.routeKey) {
    case 'GET /notes':
      return [...notes.keys()];
    case 'GET /notes/{id}':
      return notes.has(id) ? answer(200, { id, text: notes.get(id) }) : answer(404, { message: 'No such note' });
    case 'PUT /notes/{id}': {
      const text = event.isBase64Encoded ? Buffer.from(event.body, 'base64').toString() : event.body;
      notes.set(id, text);
      return answer(201, { id, by: context.functionName, request: context.awsRequestId });
    }
    default:
      return answer(400, { message: `Not for ${event.routeKey}` });
  }
};
