# frozen_string_literal: true

require 'json'

OK = :ok
FAIL = :fail

# `λ`, by which handlers are defined: `λ.| 'users/find' do … end`.
module Lambda
  # What a run ended with.
  Outcome = Struct.new(:state, :body, :status, :headers)

  # What happened, as the mesh tells it (`"event": "mesh"`); names are symbols.
  class Event
    FIELDS = %i[id path source time method query params headers body attributes].freeze
    attr_reader(*FIELDS)

    def initialize(document)
      FIELDS.each { |field| instance_variable_set("@#{field}", document[field]) }
    end
  end

  # In whose context a block is executed: one for each event.
  class Handle
    attr_reader :event

    def initialize(event)
      @event = event
    end

    # Kept with the version when it is published, by mesh.json, which must say the same, or be a `-dev` of it. What Lambda
    # counts ($LATEST, 1, 2 …) says nothing of it.
    def version(text)
      stated = ENV.fetch('AWS_LAMBDA_FUNCTION_VERSION', text)
      return if !stated.include?('.') || stated == text || stated.start_with?("#{text}-")

      warn "The handler says version #{text}, and was published as #{stated}."
    end

    # Ends the block: what stands behind it does not run any more.
    def context(state, body = nil, status: nil, headers: nil, **fields)
      throw :outcome, Outcome.new(state, body.nil? && !fields.empty? ? fields : body, status, headers)
    end
  end

  # A path and the block that answers to it.
  Definition = Struct.new(:path, :block) do
    def run(document)
      handle = Handle.new(Event.new(document))
      # A block that never says context has its value as its outcome.
      catch(:outcome) { Outcome.new(OK, handle.instance_exec(&block)) }
    end
  end

  @definitions = {}

  class << self
    def |(path, &block)
      @definitions[path] = Definition.new(path, block)
    end

    # By its path, or the one that there is: a function of Lambda's cannot have a name with a slash.
    def definition(path)
      @definitions.fetch(path) do
        return @definitions.values.first if @definitions.one?

        raise LoadError, "No handler is defined for #{path}; there are: #{@definitions.keys.join(', ')}."
      end
    end
  end
end

def λ
  Lambda
end
