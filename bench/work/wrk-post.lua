init = function(args)
  wrk.method = 'POST'
  wrk.body = args[1]
  wrk.headers['Content-Type'] = 'application/json'
  wrk.headers['Prefer'] = 'respond-async'
end
-- A status above 399 counts as an error; the benchmark has looked before that an answer is 202.
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format('\n{"requests":%d,"errors":%d}\n',
    summary.requests, e.connect + e.read + e.write + e.status + e.timeout))
end
