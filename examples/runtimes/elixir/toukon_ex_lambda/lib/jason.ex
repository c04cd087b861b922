defmodule Jason do
  @moduledoc """
  What the runtime and its handlers need of the library Jason, in its words: there is no Hex here to get it from, and
  OTP 25 has no JSON of its own.
  """

  defmodule DecodeError do
    defexception [:message]
  end

  defmodule EncodeError do
    defexception [:message]
  end

  @spec encode!(term()) :: String.t()
  def encode!(term), do: term |> encode() |> IO.iodata_to_binary()

  @spec decode!(binary()) :: term()
  def decode!(text) do
    {value, rest} = text |> skip() |> value()
    if skip(rest) == "", do: value, else: fault(rest)
  end

  defp encode(nil), do: "null"
  defp encode(true), do: "true"
  defp encode(false), do: "false"
  defp encode(atom) when is_atom(atom), do: encode(Atom.to_string(atom))

  defp encode(text) when is_binary(text) do
    if String.valid?(text),
      do: [?", escape(text), ?"],
      else: raise(EncodeError, message: "not UTF-8: #{inspect(text, limit: 20)}")
  end

  defp encode(number) when is_integer(number), do: Integer.to_string(number)
  defp encode(number) when is_float(number), do: Float.to_string(number)
  defp encode(list) when is_list(list), do: [?[, list |> Enum.map(&encode/1) |> Enum.intersperse(?,), ?]]
  defp encode(%kind{} = time) when kind in [Date, Time, NaiveDateTime, DateTime], do: encode(kind.to_iso8601(time))
  # As there: what a struct holds is not given away unless somebody says so.
  defp encode(%_{} = struct), do: raise(Protocol.UndefinedError, protocol: Jason.Encoder, value: struct)

  defp encode(map) when is_map(map) do
    pairs = Enum.map(map, fn {key, value} -> [encode(to_string(key)), ?:, encode(value)] end)
    [?{, Enum.intersperse(pairs, ?,), ?}]
  end

  defp escape(text) do
    for <<char::utf8 <- text>>, into: "" do
      case char do
        ?" -> "\\\""
        ?\\ -> "\\\\"
        ?\n -> "\\n"
        ?\r -> "\\r"
        ?\t -> "\\t"
        control when control < 0x20 -> "\\u" <> String.pad_leading(Integer.to_string(control, 16), 4, "0")
        other -> <<other::utf8>>
      end
    end
  end

  defp value("{" <> rest), do: object(skip(rest), %{})
  defp value("[" <> rest), do: list(skip(rest), [])
  defp value("\"" <> rest), do: string(rest, [])
  defp value("true" <> rest), do: {true, rest}
  defp value("false" <> rest), do: {false, rest}
  defp value("null" <> rest), do: {nil, rest}

  defp value(text) do
    case Regex.run(~r/\A-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/, text) do
      [whole] -> {String.to_integer(whole), after_text(text, whole)}
      [whole | _] -> {to_float(whole), after_text(text, whole)}
      nil -> fault(text)
    end
  end

  defp to_float(text) do
    {number, ""} = Float.parse(text)
    number
  end

  defp after_text(text, part), do: binary_part(text, byte_size(part), byte_size(text) - byte_size(part))

  defp object("}" <> rest, map), do: {map, rest}

  defp object("\"" <> rest, map) do
    {key, rest} = string(rest, [])
    {value, rest} = rest |> skip() |> expect(":") |> skip() |> value()
    map = Map.put(map, key, value)

    case skip(rest) do
      "," <> more -> object(need_key(skip(more)), map)
      "}" <> more -> {map, more}
      other -> fault(other)
    end
  end

  defp object(text, _map), do: fault(text)

  defp need_key("\"" <> _ = text), do: text
  defp need_key(text), do: fault(text)

  defp list("]" <> rest, []), do: {[], rest}

  defp list(text, values) do
    {value, rest} = value(text)

    case skip(rest) do
      "," <> more -> list(skip(more), [value | values])
      "]" <> more -> {Enum.reverse([value | values]), more}
      other -> fault(other)
    end
  end

  defp string("\"" <> rest, parts), do: {parts |> Enum.reverse() |> IO.iodata_to_binary(), rest}
  defp string("\\u" <> rest, parts), do: unicode(rest, parts)
  defp string("\\" <> <<char, rest::binary>>, parts), do: string(rest, [unescape(char) | parts])
  defp string(<<char::utf8, rest::binary>>, parts) when char >= 0x20, do: string(rest, [<<char::utf8>> | parts])
  defp string(text, _parts), do: fault(text)

  defp unicode(<<high::binary-4, "\\u", low::binary-4, rest::binary>> = text, parts) do
    case {hex(high), hex(low)} do
      {first, second} when first in 0xD800..0xDBFF and second in 0xDC00..0xDFFF ->
        string(rest, [<<0x10000 + (first - 0xD800) * 0x400 + (second - 0xDC00)::utf8>> | parts])

      _ ->
        single(text, parts)
    end
  end

  defp unicode(text, parts), do: single(text, parts)

  defp single(<<digits::binary-4, rest::binary>>, parts) do
    case hex(digits) do
      surrogate when surrogate in 0xD800..0xDFFF -> string(rest, ["\uFFFD" | parts])
      char -> string(rest, [<<char::utf8>> | parts])
    end
  end

  defp single(text, _parts), do: fault(text)

  defp hex(digits) do
    case Integer.parse(digits, 16) do
      {number, ""} -> number
      _ -> fault(digits)
    end
  end

  defp unescape(?n), do: "\n"
  defp unescape(?r), do: "\r"
  defp unescape(?t), do: "\t"
  defp unescape(?b), do: "\b"
  defp unescape(?f), do: "\f"
  defp unescape(char) when char in [?", ?\\, ?/], do: <<char>>
  defp unescape(char), do: fault(<<char>>)

  defp expect(text, char) do
    if String.starts_with?(text, char), do: after_text(text, char), else: fault(text)
  end

  defp skip(<<char, rest::binary>>) when char in ' \t\r\n', do: skip(rest)
  defp skip(text), do: text

  defp fault(text), do: raise(DecodeError, message: "not JSON at #{inspect(String.slice(text, 0, 20))}")
end
