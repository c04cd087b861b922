#!/bin/sh
# Starts Mosquitto with the passwords of the environment: a password file holds hashes, so it cannot be in the repository.
set -eu
file="${MESH_MQTT_PASSWORD_FILE:-/mosquitto/data/passwords}"
rm -f "$file"
umask 077
: >"$file"
mosquitto_passwd -b "$file" bridge "$MESH_MQTT_BRIDGE_PASSWORD"
mosquitto_passwd -b "$file" device "$MESH_MQTT_DEVICE_PASSWORD"
# Mosquitto drops root before it reads the file again upon SIGHUP.
[ "$(id -u)" -ne 0 ] || chown mosquitto "$file"
exec mosquitto -c "${1:-/mosquitto/config/mosquitto.conf}"
