defmodule ToukonExLambda.MixProject do
  use Mix.Project

  @version "1.0.0"

  def project do
    [
      app: :toukon_ex_lambda,
      version: @version,
      elixir: "~> 1.14",
      start_permanent: Mix.env() == :prod,
      deps: [],
      description: "🔥 シンプルなElixir Lambda Runtime"
    ]
  end

  def application do
    [extra_applications: [:logger, :crypto, :inets, :eex]]
  end
end
