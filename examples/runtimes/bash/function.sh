# A handler: the event as its argument, the answer on stdout, the log on stderr; a status other than 0 is an error.
handler() {
  local event=$1
  case $event in
    *'"die"'*) kill -9 $$ ;;
    *'"fail"'*)
      echo 'It was asked to fail.' >&2
      return 1
      ;;
  esac
  echo "It has ${#event} characters." >&2
  printf '{"got":%s,"pid":%d}' "$event" $$
}
