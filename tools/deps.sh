#!/bin/sh
# Install the packages that the named groups need: build, demo, test, bench,
# lint, cov, deb.
# With --check, only report missing packages, and fail if there are any.
set -eu

build="gcc make pkg-config libwebsockets-dev libssl-dev libzstd-dev libcjson-dev libsqlite3-dev libxxhash-dev libcurl4-openssl-dev zlib1g-dev libjs-leaflet node-d3"
demo="zstd"
test="$demo clang clang-format libclang-rt-dev valgrind libcmocka-dev python3 python3-websockets python3-gpxpy python3-geojson libxml2-utils nodejs node-ws sqlite3 jq curl openssl mandoc chromium faketime python3-prometheus-client systemd shellcheck git nginx-light"
bench="zstd sqlite3 jq nodejs node-ws python3-websockets valgrind liblcm-bin tcpreplay"
lint="clang clang-tidy clang-format clang-tools cppcheck shellcheck mandoc"
cov="gcovr"
deb="build-essential dpkg-dev debhelper fakeroot git"

check=no
[ "${1:-}" = --check ] && { check=yes; shift; }

want=""
for group in "$@"; do
	case $group in
	build) want="$want $build" ;;
	demo) want="$want $demo" ;;
	test) want="$want $test" ;;
	bench) want="$want $bench" ;;
	lint) want="$want $lint" ;;
	cov) want="$want $cov" ;;
	deb) want="$want $deb" ;;
	*) echo "deps.sh: no group '$group' (build, demo, test, bench, lint, cov, deb)" >&2; exit 2 ;;
	esac
done

if ! command -v dpkg-query >/dev/null 2>&1; then
	# Elsewhere than on Debian: look for what can be looked for.
	missing=""
	for lib in libwebsockets libzstd libcjson sqlite3 libxxhash libcurl openssl zlib; do
		pkg-config --exists "$lib" 2>/dev/null || missing="$missing $lib"
	done
	[ -z "$missing" ] && exit 0
	echo "evtape needs these libraries with their headers:$missing" >&2
	echo "This is not Debian: install them with your system's package manager." >&2
	exit 1
fi

installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing=""
for package in $want; do
	# The runtime of the sanitizers and of libFuzzer is named after its version.
	if [ "$package" = libclang-rt-dev ]; then
		ver=$(clang --version 2>/dev/null | sed -n 's/.*version \([0-9]*\)\..*/\1/p')
		package=libclang-rt-${ver:-$(apt-cache depends clang | sed -n 's/.*clang-\([0-9]*\)$/\1/p')}-dev
	fi
	installed "$package" || missing="$missing $package"
done
[ -z "$missing" ] && exit 0

if [ "$check" = yes ]; then
	echo "Missing packages:$missing" >&2
	echo "'make demo' and 'make test' install them; or: apt-get install$missing" >&2
	exit 1
fi

sudo=""
if [ "$(id -u)" != 0 ]; then
	sudo=sudo
	command -v sudo >/dev/null 2>&1 || {
		echo "Missing packages:$missing" >&2
		echo "Run as root: apt-get install$missing" >&2
		exit 1
	}
fi
echo "Installing missing packages:$missing" >&2
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # a list of words
{
	$sudo apt-get -qq update >&2
	$sudo apt-get -qq install -y --no-install-recommends $missing >&2
}
