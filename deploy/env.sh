#!/bin/sh
# Writes .env for docker-compose.yml: .env.example with a fresh secret wherever a value is missing.
# Never touches an .env that is there: losing the master key loses whatever it sealed.
set -eu

if [ -e .env ]; then
    echo ".env 已存在,未改动 · .env is there already and was left as it is"
    exit 0
fi

hex() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
key() { head -c 32 /dev/urandom | base64; }

umask 077
while IFS= read -r line; do
    case $line in
        QIAO_MASTER_KEY=) printf '%s%s\n' "$line" "$(key)" ;;
        [A-Z]*=) printf '%s%s\n' "$line" "$(hex)" ;;
        *) printf '%s\n' "$line" ;;
    esac
done <.env.example >.env.new
mv .env.new .env
echo "已写入 .env(仅本人可读) · wrote .env, readable by you only"
