defmodule ToukonExLambda.Runtime do
  @moduledoc """
  GenServer based Lambda Runtime
  - AWS Lambda Runtime API実装
  - 自動復旧機能
  - ローカル開発サポート
  """

  use GenServer
  require Logger

  @profile :toukon_ex_lambda
  @error_type 'lambda-runtime-function-error-type'

  def start_link(handler_module) do
    GenServer.start_link(__MODULE__, handler_module, name: __MODULE__)
  end

  @impl true
  def init(handler_module) do
    runtime_api = System.get_env("AWS_LAMBDA_RUNTIME_API")

    if runtime_api do
      Logger.info("🔥 AWS Lambda モード")
      Task.start_link(fn -> start_loop(runtime_api, handler_module) end)
      {:ok, %{mode: :aws_lambda, handler: handler_module, runtime_api: runtime_api}}
    else
      Logger.info("🔥 ローカル開発モード")
      Task.start_link(fn -> local_execution(handler_module) end)
      {:ok, %{mode: :local, handler: handler_module}}
    end
  end

  # 🛡️ 自動復旧機能
  @impl true
  def handle_info({:restart_runtime, handler}, state) do
    Logger.info("🔄 Runtime 再起動中...")

    case state.mode do
      :aws_lambda -> Task.start_link(fn -> start_loop(state.runtime_api, handler) end)
      :local -> Task.start_link(fn -> local_execution(handler) end)
    end

    {:noreply, state}
  end

  def handle_info(msg, state) do
    Logger.debug("🔍 不明なメッセージ: #{inspect(msg)}")
    {:noreply, state}
  end

  # A client of its own each time: a connection in which the `next` of a loop that was killed still waits would get the
  # next event, and nobody would answer it.
  defp start_loop(runtime_api, handler_module) do
    :inets.stop(:httpc, @profile)
    {:ok, _pid} = :inets.start(:httpc, profile: @profile)
    aws_lambda_loop(runtime_api, handler_module)
  end

  # AWS Lambda Runtime APIループ
  defp aws_lambda_loop(runtime_api, handler_module) do
    base_url = "http://#{runtime_api}/2018-06-01/runtime"

    try do
      case get("#{base_url}/invocation/next") do
        {:ok, 200, headers, body} ->
          process_lambda_request(base_url, body, headers, handler_module)
          :next

        # A status other than 200 is an error, too: the loop goes on after it.
        error ->
          Logger.error("💥 Runtime API エラー: #{inspect(error)}")
          Process.sleep(1000)
          :next
      end
    catch
      kind, error ->
        Logger.error("💥 予期しないエラー: #{kind} - #{inspect(error)}")
        # GenServerに復旧を依頼
        send(__MODULE__, {:restart_runtime, handler_module})
        :stop
    else
      # Behind the try, so that the loop is a tail call.
      :next -> aws_lambda_loop(runtime_api, handler_module)
    end
  end

  defp process_lambda_request(base_url, body, headers, handler_module) do
    request_id = get_header(headers, "lambda-runtime-aws-request-id")

    try do
      event = Jason.decode!(body)

      context = %{
        request_id: request_id,
        function_arn: get_header(headers, "lambda-runtime-invoked-function-arn"),
        deadline_ms: get_header(headers, "lambda-runtime-deadline-ms"),
        timestamp: DateTime.utc_now()
      }

      # ユーザーハンドラー呼び出し
      response = handler_module.handle_event(event, context)

      send_success_response(base_url, request_id, response)
    rescue
      error ->
        Logger.error("💥 処理エラー: #{inspect(error)}")
        send_error_response(base_url, request_id, error, __STACKTRACE__)
    catch
      # A throw or an exit: without an answer the invocation would hold up all that come after it.
      kind, reason ->
        error = %ErlangError{original: {kind, reason}}
        Logger.error("💥 処理エラー: #{inspect(error)}")
        send_error_response(base_url, request_id, error, __STACKTRACE__)
    end
  end

  # ローカル開発用実行
  defp local_execution(handler_module) do
    event_json = IO.read(:stdio, :eof) |> to_text() |> String.trim()
    event = if event_json != "", do: Jason.decode!(event_json), else: %{}

    context = %{
      request_id: "local-#{System.unique_integer([:positive])}",
      function_arn: "arn:aws:lambda:local:000000000000:function:local-test",
      deadline_ms: "#{System.system_time(:millisecond) + 30_000}",
      timestamp: DateTime.utc_now()
    }

    response = handler_module.handle_event(event, context)
    IO.puts(Jason.encode!(response))
  rescue
    error ->
      Logger.error("💥 ローカル実行エラー: #{inspect(error)}")

      IO.puts(
        Jason.encode!(%{
          statusCode: 500,
          body: Jason.encode!(%{error: "処理エラー", details: inspect(error)})
        })
      )
  catch
    kind, error ->
      Logger.error("💥 ローカル実行で予期しないエラー: #{kind} - #{inspect(error)}")
      send(__MODULE__, {:restart_runtime, handler_module})
  end

  defp to_text(:eof), do: ""
  defp to_text(text), do: text

  # ヘルパー関数
  defp get_header(headers, key) do
    case List.keyfind(headers, String.to_charlist(key), 0) do
      {_, value} -> List.to_string(value)
      nil -> nil
    end
  end

  defp send_success_response(base_url, request_id, response) do
    post("#{base_url}/invocation/#{request_id}/response", Jason.encode!(response), [])
  end

  defp send_error_response(base_url, request_id, error, stacktrace) do
    error_payload = %{
      errorMessage: error |> Exception.message() |> utf8(),
      errorType: inspect(error.__struct__),
      stackTrace: stacktrace |> Exception.format_stacktrace() |> String.split("\n", trim: true)
    }

    type = error.__struct__ |> inspect() |> String.split(".") |> List.last()
    headers = [{@error_type, String.to_charlist("Function.#{type}")}]
    post("#{base_url}/invocation/#{request_id}/error", Jason.encode!(error_payload), headers)
  end

  # An error that cannot be told would leave its event without an answer.
  defp utf8(text), do: if(String.valid?(text), do: text, else: inspect(text))

  # :httpc, since there is no Hex: no time limit, as a response may take for ever.
  defp get(url), do: request(:get, {String.to_charlist(url), []})

  defp post(url, body, headers) do
    request(:post, {String.to_charlist(url), headers, 'application/json', body})
  end

  defp request(method, what) do
    case :httpc.request(method, what, [timeout: :infinity], [body_format: :binary], @profile) do
      {:ok, {{_version, status, _reason}, headers, body}} -> {:ok, status, headers, body}
      {:error, error} -> {:error, error}
    end
  end
end
