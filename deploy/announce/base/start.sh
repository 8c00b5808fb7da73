#!/bin/sh
# Starts BIRD when minilb has written the first routes: one that began without any would tell the router, after a restart, that there are none.
set -eu
run=${RUN:-/run/minilb}
config=${CONFIG:-/etc/minilb-announce/bird.conf}

until [ -s "$run/routes.conf" ]; do sleep 0.2; done
sed -e "s|192\.0\.2\.1|$NODE_IP|g" -e "s|/run/minilb/|$run/|g" "$config" >"$run/bird.conf"
exec bird -f -c "$run/bird.conf" -s "$run/bird.ctl"
