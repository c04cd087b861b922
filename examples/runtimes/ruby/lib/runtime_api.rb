# frozen_string_literal: true

require 'json'
require 'net/http'

# Lambda's Runtime API: next, response, error.
class RuntimeApi
  BASE = '/2018-06-01/runtime'
  ERROR_TYPE = 'Lambda-Runtime-Function-Error-Type'

  def initialize(address)
    @host, port = address.split(':')
    @port = Integer(port)
  end

  # Yields each event and tells what came of it, for ever.
  def serve(&block)
    # `next` may take for ever.
    Net::HTTP.start(@host, @port, read_timeout: nil, max_retries: 0) do |http|
      loop { turn(http, &block) }
    end
  rescue SystemCallError, IOError => e
    warn "The Runtime API cannot be reached: #{e.message}"
    sleep 1
    retry
  end

  def init_error(error)
    uri = URI("http://#{@host}:#{@port}#{BASE}/init/error")
    Net::HTTP.post(uri, report(error), ERROR_TYPE => "Runtime.#{name_of(error)}")
  end

  private

  def turn(http)
    response = http.get("#{BASE}/invocation/next")
    path = "#{BASE}/invocation/#{response['Lambda-Runtime-Aws-Request-Id']}"
    ENV['_X_AMZN_TRACE_ID'] = response['Lambda-Runtime-Trace-Id']
    outcome = yield JSON.parse(response.body, symbolize_names: true)
    tell(http, path, outcome)
  rescue StandardError => e
    raise if e.is_a?(SystemCallError) || e.is_a?(IOError)

    http.post("#{path}/error", report(e), ERROR_TYPE => "Function.#{name_of(e)}")
  end

  def tell(http, path, outcome)
    return http.post("#{path}/response", answer(outcome)) if outcome.state == OK

    document = { errorType: 'Failed', errorMessage: JSON.generate(outcome.body), statusCode: outcome.status }
    http.post("#{path}/error", JSON.generate(document.compact), ERROR_TYPE => 'Function.Failed')
  end

  # A body alone stands for itself, unless it looks like an answer of HTTP.
  def answer(outcome)
    body = outcome.body
    looks_like_http = body.is_a?(Hash) && (body.key?(:statusCode) || body.key?('statusCode'))
    return JSON.generate(body) unless outcome.status || outcome.headers || looks_like_http

    JSON.generate({ statusCode: outcome.status || 200, headers: outcome.headers, body: body }.compact)
  end

  def report(error)
    JSON.generate({ errorType: error.class.name, errorMessage: error.message, stackTrace: error.backtrace || [] })
  end

  def name_of(error)
    name = error.class.name.to_s.split('::').last.to_s
    name.match?(/\A[A-Z][a-zA-Z]+\z/) ? name : 'Error'
  end
end
