import Config

# ⭐ ここで全てが決まる！
config :toukon_ex_lambda,
  handler: MyApp.Handler

# ログ設定: to stderr, since in a local run stdout has the answer.
config :logger,
  level: :info

config :logger, :console, device: :standard_error

# 環境別設定
import_config "#{config_env()}.exs"
