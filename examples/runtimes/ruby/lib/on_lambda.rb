# frozen_string_literal: true

require 'json'
require 'time'
require 'uri'

# What AWS Lambda gives to a function, as the event that the mesh makes of it. API Gateway's documents, format 1.0 and 2.0, are
# a request of HTTP; anything else is what the caller sent. Records of a queue are not taken apart.
module OnLambda
  # All of them are in each event of the mesh, `"event": "mesh"`.
  OF_THE_MESH = %i[id source time query params headers attributes].freeze

  module_function

  # Runs a block's definition with the event, whoever wrote it, and gives what its caller understands.
  def run(definition, document)
    return definition.run(document) if document.is_a?(Hash) && OF_THE_MESH.all? { |name| document.key?(name) }
    return definition.run(payload(document)) unless http?(document)

    http_answer(definition.run(request(document)))
  end

  def http?(document)
    return false unless document.is_a?(Hash)

    context = document[:requestContext]
    document[:httpMethod].is_a?(String) || (context.is_a?(Hash) && context[:http].is_a?(Hash))
  end

  def request(document)
    context = document[:requestContext] || {}
    headers = (document[:headers] || {}).transform_keys { |name| name.to_s.downcase.to_sym }
    event(
      id: context[:requestId], source: 'http', method: document[:httpMethod] || context.dig(:http, :method),
      query: query(document), params: document[:pathParameters] || {}, headers: headers,
      body: body(document, headers[:'content-type'].to_s)
    )
  end

  # Who asks without a query has the fields of what they sent.
  def payload(document)
    fields = document.is_a?(Hash) ? document : {}
    scalars = fields.select { |_, value| [String, Numeric, true, false].any? { |kind| kind === value } }
    event(source: 'lambda', query: scalars.transform_values(&:to_s), body: document)
  end

  def event(**known)
    { time: Time.now.utc.iso8601(3), query: {}, params: {}, headers: {}, attributes: {} }.merge(known)
  end

  # A name that is there several times has all of its values.
  def query(document)
    pairs = URI.decode_www_form(document[:rawQueryString]) if document[:rawQueryString]
    pairs ||= (document[:multiValueQueryStringParameters] || document[:queryStringParameters] || {})
              .flat_map { |name, values| [values].flatten.map { |value| [name, value] } }
    pairs.group_by(&:first).to_h do |name, found|
      [name.to_sym, found.one? ? found.first.last : found.map(&:last)]
    end
  end

  def body(document, type)
    text = document[:body]
    return nil if text.nil? || text.empty?

    text = text.unpack1('m') if document[:isBase64Encoded]
    type.match?(%r{\Aapplication/(\S+\+)?json\b}i) ? JSON.parse(text, symbolize_names: true) : text
  end

  # A gateway takes text, and knows a no by its status.
  def http_answer(outcome)
    is_text = outcome.body.is_a?(String)
    type = is_text ? 'text/plain; charset=utf-8' : 'application/json'
    status = outcome.status || (outcome.state == OK ? 200 : 400)
    headers = { 'content-type' => type }.merge(outcome.headers || {})
    Lambda::Outcome.new(OK, is_text ? outcome.body : JSON.generate(outcome.body), status, headers)
  end
end
