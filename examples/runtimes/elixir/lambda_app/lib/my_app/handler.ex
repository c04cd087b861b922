defmodule MyApp.Handler do
  # シンプル！useは不要
  @behaviour ToukonExLambda

  require Logger

  def handle_event(event, context) do
    Logger.info("🔥 リクエスト受信: #{context.request_id}")

    case event do
      %{"action" => "hello", "name" => name} ->
        hello_response(name, context)

      %{"httpMethod" => method, "path" => path} ->
        api_gateway_response(method, path, context)

      _ ->
        default_response(event, context)
    end
  end

  defp hello_response(name, context) do
    %{
      statusCode: 200,
      body:
        Jason.encode!(%{
          message: "🔥 こんにちは、#{name}さん！",
          request_id: context.request_id,
          timestamp: DateTime.utc_now()
        })
    }
  end

  defp api_gateway_response(method, path, context) do
    %{
      statusCode: 200,
      headers: %{"Content-Type" => "application/json"},
      body:
        Jason.encode!(%{
          message: "🔥 API Gateway 経由",
          method: method,
          path: path,
          request_id: context.request_id
        })
    }
  end

  defp default_response(event, context) do
    %{
      message: "🔥 ToukonExLambda で処理しました",
      event: event,
      request_id: context.request_id,
      timestamp: DateTime.utc_now()
    }
  end
end
