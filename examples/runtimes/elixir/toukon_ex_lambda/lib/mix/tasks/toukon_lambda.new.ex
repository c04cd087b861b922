defmodule Mix.Tasks.ToukonLambda.New do
  @shortdoc "Makes a handler's project: mix toukon_lambda.new my_lambda_app"
  @moduledoc """
  Makes a project with a handler, its configuration and a bootstrap:

      mix toukon_lambda.new my_lambda_app [--runtime ../toukon_ex_lambda]
  """

  use Mix.Task
  import Mix.Generator

  @impl true
  def run(args) do
    {options, names, _} = OptionParser.parse(args, strict: [runtime: :string])

    case names do
      [name] -> create(name, Keyword.get(options, :runtime, File.cwd!()))
      _ -> Mix.raise("One name is expected: mix toukon_lambda.new my_lambda_app")
    end
  end

  defp create(folder, runtime) do
    app = Path.basename(folder)
    unless app =~ ~r/\A[a-z][a-z0-9_]*\z/, do: Mix.raise("#{app} is no name of an application.")
    bindings = [app: app, module: Macro.camelize(app), runtime: Path.expand(runtime)]

    create_file(Path.join(folder, "mix.exs"), mix_template(bindings))
    create_file(Path.join(folder, "lib/#{app}/handler.ex"), handler_template(bindings))
    create_file(Path.join(folder, "config/config.exs"), config_template(bindings))
    create_file(Path.join(folder, "mesh.json"), mesh_template(bindings))
    create_file(Path.join(folder, "bootstrap"), bootstrap_template(bindings))
    File.chmod!(Path.join(folder, "bootstrap"), 0o755)
    Mix.shell().info("完了！ MIX_ENV=prod mix compile && mesh publish")
  end

  embed_template(:mix, """
  defmodule <%= @module %>.MixProject do
    use Mix.Project

    def project do
      [
        app: :<%= @app %>,
        version: "0.1.0",
        elixir: "~> 1.14",
        deps: [{:toukon_ex_lambda, path: <%= inspect(@runtime) %>}]
      ]
    end

    def application do
      [extra_applications: [:logger], mod: {ToukonExLambda.Application, []}]
    end
  end
  """)

  embed_template(:handler, """
  defmodule <%= @module %>.Handler do
    @behaviour ToukonExLambda

    def handle_event(event, _context) do
      %{message: "Hello Lambda!", event: event}
    end
  end
  """)

  embed_template(:config, """
  import Config

  config :toukon_ex_lambda, handler: <%= @module %>.Handler
  config :logger, level: :info
  config :logger, :console, device: :standard_error
  """)

  embed_template(:mesh, """
  {
    "path": "<%= String.replace(@app, "_", "-") %>",
    "version": "0.1.0",
    "runtime": "provided",
    "work": { "attempts": 2, "backoffMs": 100 },
    "assets": ["bootstrap", "config/*.exs", "_build/prod/lib/*/ebin/*"]
  }
  """)

  embed_template(:bootstrap, """
  #!/bin/sh
  cd "${LAMBDA_TASK_ROOT:-$(dirname "$0")}" || exit 1
  exec elixir --no-halt -pa '_build/prod/lib/*/ebin' -e '
  # Started with Elixir itself, before it could know its configuration.
  :ok = Application.stop(:logger)
  Application.put_all_env(Config.Reader.read!("config/config.exs", env: :prod))
  {:ok, _} = Application.ensure_all_started(:<%= @app %>, :permanent)
  '
  """)
end
