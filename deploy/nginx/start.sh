#!/bin/sh
# Starts nginx beside the service, as `docker compose --profile tls up` does it: with this folder's configuration, which
# names the service and this site as there. What is given to this script is given to nginx.
set -eu
here=$(dirname "$0")
service=${SERVICE:-digitserve:8000}
name=${TLS_NAME:-digits.example.org}
site=${SITE:-/etc/nginx/conf.d/digitserve.conf}

# On this machine alone a service without keys is nobody else's business. Here the world would come in.
status=$(curl --silent --output /dev/null --write-out '%{http_code}' --header 'Host: localhost' --max-time 10 \
  "http://$service/v1/models") || true
if [ "$status" != 401 ]; then
  echo "nginx is not started: the service answers who shows no key (or does not answer: $status). Make one first," \
    "with: docker compose exec digitserve digitserve keys create NAME --scope predict" >&2
  exit 1
fi

sed -e "s/127\.0\.0\.1:8000/$service/" -e "s/digits\.example\.org/$name/" "$here/digitserve.conf" >"$site"
exec nginx -g 'daemon off;' "$@"
