defmodule MyApp.MixProject do
  use Mix.Project

  def project do
    [
      app: :my_app,
      version: "0.1.0",
      elixir: "~> 1.14",
      start_permanent: Mix.env() == :prod,
      deps: deps()
    ]
  end

  def application do
    [
      extra_applications: [:logger],
      # ⭐ ここがキーポイント！ライブラリのApplicationを直接使用
      mod: {ToukonExLambda.Application, []}
    ]
  end

  defp deps do
    [
      {:toukon_ex_lambda, path: "../toukon_ex_lambda"}
    ]
  end
end
