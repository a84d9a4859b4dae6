#!/bin/bash
# make demo: start the simulator, record it for some seconds, inspect the tape,
# and play it back. Everything is on loopback and in a directory of its own.
set -eu

build=${BUILD:-build}
seconds=${DEMO_SECONDS:-10}
work=$(mktemp -d "${TMPDIR:-/tmp}/evtape-demo.XXXXXX")
tape=$work/demo.tape
sim=
recorder=

# Also on Ctrl-C: stop the processes that were started; keep the tape.
finish() {
	for pid in $recorder $sim; do
		kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
	done
	rm -f "$work"/ready "$work"/hash
	[ -d "$tape" ] || rmdir "$work" 2>/dev/null
	return 0
}
trap finish EXIT
trap 'exit 130' INT TERM

step() {
	printf '\n== %s\n' "$1"
}

wait_for() { # for a file that a program makes, or for the end of the program
	while [ ! -s "$1" ]; do
		kill -0 "$2" 2>/dev/null || { echo "demo: the simulator did not start" >&2; exit 1; }
		sleep 0.05
	done
}

step "A feed of 200 trackers, on a free port of this machine"
(umask 077; echo 0123456789abcdef0123456789abcdef >"$work/hash")
"$build/evtape-sim" --trackers 200 --rate 400 --seed 1 --hash "$work/hash" --ready-file "$work/ready" &
sim=$!
wait_for "$work/ready" "$sim"
url=$(cat "$work/ready")/event/subscription

step "Record it for $seconds s, then stop with SIGTERM:  evtape-record $url -o demo.tape --events state --trackers 1,2,..."
"$build/evtape-record" "$url" -o "$tape" --credential-file "$work/hash" \
	--events state --trackers "$(seq -s , 200)" &
recorder=$!
for ((left = seconds; left > 0; left--)); do
	kill -0 "$recorder" 2>/dev/null || { wait "$recorder"; exit 1; }
	# A terminal has the recorder's own status line.
	[ -t 2 ] || printf '%d s left\n' "$left"
	sleep 1
done
kill -TERM "$recorder"
wait "$recorder"
recorder=

step "What is on the tape:  evtape info demo.tape"
"$build/evtape" info --top 3 "$tape"

step "5 s of two sources at 5 times the speed:  evtape-replay demo.tape --source 10001,10002 --from +2s --to +7s --speed 5"
"$build/evtape-replay" "$tape" --source 10001,10002 --from +2s --to +7s --speed 5 | cut -c1-150

step "All of it as fast as it goes:  evtape-replay demo.tape --speed max | wc -l"
"$build/evtape-replay" "$tape" --speed max --quiet | wc -l

kill "$sim" && wait "$sim"
sim=
step "Try next"
cat <<END
  zstdcat $tape/*.zst | head -2
  $build/evtape-replay $tape --listen 127.0.0.1:8787
  sqlite3 $tape/tape.db 'SELECT source_id, frames FROM sources LIMIT 5'

The tape is $tape; remove it with: rm -r $work
END
