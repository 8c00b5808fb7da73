#!/bin/bash
# Starts nginx and, with this script's arguments, minilb updater. When one of them ends, the other one is ended too, and the container with them.
nginx -e stderr -g 'daemon off;' &
nginx=$!
minilb updater "$@" &
updater=$!

code=1
# nginx ends what it has begun first (SIGQUIT), as long as the container engine lets it.
trap 'code=0' TERM INT
wait -n
kill -TERM "$updater" 2>/dev/null
kill -QUIT "$nginx" 2>/dev/null
wait
exit "$code"
