-- wrk's own text rounds latencies; this is the same summary in full, as one line of JSON.
-- summary.errors.status counts answers above 399; a 3xx would not pass verify.mjs.
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"microseconds":%d,"p50":%d,"p99":%d,"errors":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
