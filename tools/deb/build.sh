#!/bin/sh
# Build the Debian packages below build/deb/, from the files that git tracks.
set -eu
cd "$(dirname "$0")/../.."
version=$(sed -n 's/^#define EVT_VERSION "\(.*\)"/\1/p' format/evtape.h)
top=build/deb/evtape-$version

rm -rf build/deb
mkdir -p "$top"
git ls-files -z | xargs -0 cp --parents -t "$top"
cp -r tools/deb "$top/debian"
rm "$top/debian/build.sh"
# One entry with the version; CHANGELOG.md has the changes.
{
	printf 'evtape (%s) unstable; urgency=medium\n\n' "$version"
	printf '  * See CHANGELOG.md.\n\n'
	printf ' -- %s  %s\n' "$(sed -n 's/^Maintainer: //p' tools/deb/control)" "$(git log -1 --format=%cD 2>/dev/null || date -R)"
} > "$top/debian/changelog"
(cd "$top" && dpkg-buildpackage -us -uc -b)
rm -rf "$top"
ls build/deb/*.deb
