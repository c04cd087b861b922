# frozen_string_literal: true

require 'json'
require 'net/http'

# Lambda's Runtime API: next, response, error.
class RuntimeApi
  BASE = '/2018-06-01/runtime'
  ERROR_TYPE = 'Lambda-Runtime-Function-Error-Type'
  # Whatever a handler ends by, but for the end of the process itself.
  FAULTS = [StandardError, ScriptError, SystemStackError].freeze
  # Of a backtrace, lines that are told of: an endless recursion has thousands.
  MOST_LINES = 100

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
  rescue StandardError => e
    # Of the API alone: a handler's own are told of where it is called.
    warn "The Runtime API cannot be reached: #{e.message}"
    sleep 1
    retry
  end

  def init_error(error)
    uri = URI("http://#{@host}:#{@port}#{BASE}/init/error")
    Net::HTTP.post(uri, report(error), ERROR_TYPE => "Runtime.#{name_of(error)}")
  end

  private

  def turn(http, &block)
    response = http.get("#{BASE}/invocation/next")
    raise IOError, "next: #{response.code}" unless response.is_a?(Net::HTTPOK)

    ENV['_X_AMZN_TRACE_ID'] = response['Lambda-Runtime-Trace-Id']
    resource, document, headers = told_of(response.body, &block)
    http.post("#{BASE}/invocation/#{response['Lambda-Runtime-Aws-Request-Id']}/#{resource}", document, headers)
  end

  # What is posted of an event: resource, document, headers.
  def told_of(event)
    outcome = yield JSON.parse(event, symbolize_names: true)
    return ['response', answer(outcome), {}] if outcome.state == OK

    document = { errorType: 'Failed', errorMessage: JSON.generate(outcome.body), statusCode: outcome.status }
    ['error', JSON.generate(document.compact), { ERROR_TYPE => 'Function.Failed' }]
  rescue *FAULTS => e
    ['error', report(e), { ERROR_TYPE => "Function.#{name_of(e)}" }]
  end

  # A body alone stands for itself, unless it looks like an answer of HTTP.
  def answer(outcome)
    body = outcome.body
    looks_like_http = body.is_a?(Hash) && (body.key?(:statusCode) || body.key?('statusCode'))
    return JSON.generate(body) unless outcome.status || outcome.headers || looks_like_http

    JSON.generate({ statusCode: outcome.status || 200, headers: outcome.headers, body: body }.compact)
  end

  def report(error)
    # What is no UTF-8 cannot be said in JSON.
    message = String.new(error.message.to_s, encoding: 'UTF-8').scrub
    lines = (error.backtrace || []).first(MOST_LINES).map(&:scrub)
    JSON.generate({ errorType: error.class.name, errorMessage: message, stackTrace: lines })
  end

  def name_of(error)
    name = error.class.name.to_s.split('::').last.to_s
    name.match?(/\A[A-Z][a-zA-Z]+\z/) ? name : 'Error'
  end
end
