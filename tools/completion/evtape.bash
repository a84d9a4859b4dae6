# Completion of evtape and its programs for bash.  The programs list their own
# commands and options, so that they match the installed version.

_evtape_words() { # command...
	"$@" --complete 2>/dev/null
}

_evtape() {
	local cur=${COMP_WORDS[COMP_CWORD]} i
	local -a words=("${COMP_WORDS[0]}")
	local wanted known
	COMPREPLY=()

	# Commands, and formats of export and import, come before all options.
	for ((i = 1; i < COMP_CWORD && i < 3; i++)); do
		[[ ${COMP_WORDS[i]} == -* ]] && break
		known=$(_evtape_words "${words[@]}" | cut -f 1)
		grep -qxF -- "${COMP_WORDS[i]}" <<<"$known" || break
		words+=("${COMP_WORDS[i]}")
	done
	wanted=$(_evtape_words "${words[@]}")
	# If a value is due, file names are the best guess.
	if [[ $cur != -* && ${COMP_WORDS[COMP_CWORD - 1]} == --* ]] &&
		[[ -n $(awk -F '\t' -v o="${COMP_WORDS[COMP_CWORD - 1]}" '$1 == o && $2 != "" { print 1 }' <<<"$wanted") ]]; then
		return
	fi
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(cut -f 1 <<<"$wanted" | grep '^-')" -- "$cur")
	else
		mapfile -t COMPREPLY < <(compgen -W "$(cut -f 1 <<<"$wanted" | grep -v '^-')" -- "$cur")
	fi
}

complete -o default -F _evtape evtape evtape-record evtape-replay evtape-sim
