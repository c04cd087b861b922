defmodule ToukonExLambda do
  @moduledoc """
  🔥 シンプルなElixir Lambda Runtime

  1. Behaviourを実装: `@behaviour ToukonExLambda`, `handle_event/2`
  2. config.exsで設定: `config :toukon_ex_lambda, handler: MyApp.Handler`
  3. mix.exsでApplication指定: `mod: {ToukonExLambda.Application, []}`
  """

  @callback handle_event(event :: map(), context :: map()) :: map()
end
