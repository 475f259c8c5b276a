#!/bin/sh
# Gives each service's role a login of its own, from QIAO_<SERVICE>_POSTGRES_PASSWORD.
#
# Run by the postgres container after init.sql when its volume is new, and by hand to change a
# password: docker compose exec postgres sh /docker-entrypoint-initdb.d/20-logins.sh
# A role whose password is not set cannot log in.
set -eu

set_login() {
    [ -n "$2" ] || return 0
    psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --set role="$1" --set password="$2" \
        --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
ALTER ROLE :"role" LOGIN PASSWORD :'password';
SQL
}

set_login qiao_intake "${QIAO_INTAKE_POSTGRES_PASSWORD:-}"
set_login qiao_orders "${QIAO_ORDERS_POSTGRES_PASSWORD:-}"
set_login qiao_redemption "${QIAO_REDEMPTION_POSTGRES_PASSWORD:-}"
set_login qiao_access "${QIAO_ACCESS_POSTGRES_PASSWORD:-}"
set_login qiao_catalog "${QIAO_CATALOG_POSTGRES_PASSWORD:-}"
set_login qiao_simulator "${QIAO_SIMULATOR_POSTGRES_PASSWORD:-}"
