defmodule ToukonExLambda.Application do
  @moduledoc """
  設定ベースの Application: config.exs からハンドラーを取得して起動
  """

  use Application

  @impl true
  def start(_type, _args) do
    children = [{ToukonExLambda.Runtime, get_handler_module()}]
    Supervisor.start_link(children, strategy: :one_for_one, name: ToukonExLambda.Supervisor)
  end

  defp get_handler_module do
    case Application.get_env(:toukon_ex_lambda, :handler) do
      nil ->
        raise """
        ハンドラーが設定されていません。
        config.exs で以下のように設定してください:

        config :toukon_ex_lambda, handler: MyApp.Handler
        """

      module when is_atom(module) ->
        module

      module when is_binary(module) ->
        String.to_existing_atom("Elixir.#{module}")
    end
  end
end
