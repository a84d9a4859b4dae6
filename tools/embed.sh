#!/bin/sh
# Print a C file that contains the given files, for console.h: NAME=PATH..., where
# NAME is the URL path of the file.  The assembler includes the bytes.
set -eu

type_of() {
	case $1 in
	*.html | /) echo 'text/html; charset=utf-8' ;;
	*.js) echo 'text/javascript; charset=utf-8' ;;
	*.css) echo 'text/css; charset=utf-8' ;;
	*.svg) echo 'image/svg+xml' ;;
	*.png) echo 'image/png' ;;
	*) echo "embed.sh: no media type is known for '$1'" >&2; exit 1 ;;
	esac
}

echo '/* Made by tools/embed.sh. */'
echo '#include "tools/evtape-replay/console.h"'
n=0
for pair in "$@"; do
	path=${pair#*=}
	[ -f "$path" ] || { echo "embed.sh: $path is not there" >&2; exit 1; }
	cat <<END
__asm__(".section .rodata\\nfile_$n:\\n.incbin \\"$path\\"\\nfile_${n}_end:\\n.byte 0\\n.previous");
extern const uint8_t file_${n}[], file_${n}_end[];
END
	n=$((n + 1))
done
echo 'const evt_server_file console_files[] = {'
n=0
for pair in "$@"; do
	name=${pair%%=*}
	type=$(type_of "$name")
	echo "	{ \"$name\", \"$type\", file_$n, $(wc -c <"${pair#*=}") },"
	n=$((n + 1))
done
echo '};'
echo "const size_t console_n_files = $n;"
