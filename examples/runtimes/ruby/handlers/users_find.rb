# frozen_string_literal: true

require 'hashie'

λ.| 'users/find' do
  version "0.0.1"

  def lookup(id)
    # perform some database lookup
    return nil unless id.match?(/\A[1-9]\d{0,2}\z/)

    Hashie::Mash.new(id: id.to_i, email: "user#{id}@example.org").to_hash
  end

  id = event.query.fetch(:id, nil)

  if !id
    context(FAIL, error: "Missing ?id=")
  end

  context(OK, lookup(id))
end
