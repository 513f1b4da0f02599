#!/bin/sh
# Run once by the database's image, on an empty volume: the role that reads and writes rows and owns no table.
set -eu
psql --set=ON_ERROR_STOP=1 --set=password="$APP_PASSWORD" --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
CREATE ROLE pictor_app LOGIN PASSWORD :'password';
SQL
