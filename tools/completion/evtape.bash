# Completion of evtape and its programs for bash.  Commands and options come
# from the programs themselves, so that they are those of the installed version.

_evtape_words() { # command...
	"$@" --complete 2>/dev/null
}

_evtape() {
	local cur=${COMP_WORDS[COMP_CWORD]} i
	local -a words=("${COMP_WORDS[0]}")
	local wanted known
	COMPREPLY=()

	# Commands, and formats of export and import, stand before all options.
	for ((i = 1; i < COMP_CWORD && i < 3; i++)); do
		[[ ${COMP_WORDS[i]} == -* ]] && break
		known=$(_evtape_words "${words[@]}" | cut -f 1)
		grep -qxF -- "${COMP_WORDS[i]}" <<<"$known" || break
		words+=("${COMP_WORDS[i]}")
	done
	# "evtape record" is the program evtape-record.
	case ${words[1]-${COMP_WORDS[1]-}} in
	record | replay | sim) [[ ${words[0]##*/} == evtape && $COMP_CWORD -gt 1 ]] && words=("${words[0]}-${COMP_WORDS[1]}") ;;
	esac
	wanted=$(_evtape_words "${words[@]}")
	# Where a value is due, names of files are the best guess.
	if [[ $cur != -* && ${COMP_WORDS[COMP_CWORD - 1]} == --* ]] &&
		[[ -n $(awk -F '\t' -v o="${COMP_WORDS[COMP_CWORD - 1]}" '$1 == o && $2 != "" { print 1 }' <<<"$wanted") ]]; then
		return
	fi
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(cut -f 1 <<<"$wanted" | grep '^-')" -- "$cur")
	else
		mapfile -t COMPREPLY < <(compgen -W "$(cut -f 1 <<<"$wanted" | grep -v '^-')" -- "$cur")
		[[ ${#words[@]} -eq 1 && ${words[0]##*/} == evtape && $COMP_CWORD -eq 1 ]] &&
			mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -W 'record replay sim' -- "$cur")
	fi
}

complete -o default -F _evtape evtape evtape-record evtape-replay evtape-sim
