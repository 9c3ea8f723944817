# SPDX-License-Identifier: GPL-2.0-or-later
# What can come next on a command line of kvmtunectl?
#
# Names of guests are data of strangers: they are compared and quoted, never expanded.

# Offers those words that begin with what was typed, which may be quoted with backslashes.  At
# a colon or an equals sign bash begins a new word: only what comes after it is inserted.
_kvmtunectl_offer() { # TYPED WORD...
	local typed=$1 word quoted before
	shift
	before=${typed%"${typed##*[:=]}"}
	for word; do
		printf -v quoted %q "$word"
		[[ $quoted == "$typed"* || $word == "$typed"* ]] || continue
		COMPREPLY+=("${quoted#"$before"}")
	done
}

_kvmtunectl_offer_files() { # TYPED
	compopt -o filenames 2>/dev/null
	mapfile -t COMPREPLY < <(compgen -f -- "${1#*=}")
}

_kvmtunectl_offer_guests() { # PROGRAM SOCKET TYPED
	local guests
	# A daemon that hangs must not keep the shell waiting.
	mapfile -t guests < <(timeout 2 "$1" ${2:+--socket="$2"} status --quiet 2>/dev/null)
	_kvmtunectl_offer "$3" "${guests[@]}"
}

_kvmtunectl() {
	local typed=${COMP_WORDS[COMP_CWORD]} previous verb='' socket='' i word
	local -a verbs options loops=(ksm placement memory)
	verbs=(status top explain plan monitor pause resume release reload tick advise audit metrics
		check-config import record replay report version help)
	options=(--json --no-legend --quiet --color --socket --help --version)
	COMPREPLY=()

	# A word again, where bash has cut it at a colon or an equals sign.
	i=$COMP_CWORD
	while ((i > 1)) && [[ ${COMP_WORDS[i]} == [:=]* || ${COMP_WORDS[i - 1]} == *[:=] ]]; do
		typed=${COMP_WORDS[--i]}$typed
	done
	previous=${COMP_WORDS[i - 1]}
	while ((--i > 0)); do
		word=${COMP_WORDS[i]}
		case ${COMP_WORDS[i - 1]}:$word in
		--socket:= | --*:= | =:*) ;;
		--socket:*) socket=$word ;;
		-[ndo]:* | --for:* | --since:* | --config:* | --ksmtuned:* | --numad:* | --tuned:* | --color:*) ;;
		--severity:* | --ignore:*) ;;
		--output:* | --delay:* | --iterations:*) ;;
		*:-*) ;;
		*) verb=$word ;;
		esac
		[[ ${COMP_WORDS[i - 1]} != = || ${COMP_WORDS[i - 2]} != --socket ]] || socket=$word
	done

	case $verb in
	top) options+=(--batch --iterations --delay --output) ;;
	explain | resume) options+=(--guest) ;;
	pause | release) options+=(--guest --for) ;;
	monitor) options+=(--since --all --for) ;;
	audit) options+=(--guest --host --severity --ignore --offline --config --long --all) ;;
	metrics) options+=(--output) ;;
	import) options+=(--ksmtuned --numad --tuned --output) ;;
	record) options+=(--for --anonymous) ;;
	replay) options+=(--config) ;;
	report) options+=(--since --output) ;;
	esac

	case $previous in
	--color) _kvmtunectl_offer "$typed" auto always never; return ;;
	--for | --since | --delay | -d) _kvmtunectl_offer "$typed" 90s 15m 2h 1d; return ;;
	--severity) _kvmtunectl_offer "$typed" note warning critical; return ;;
	--iterations | -n | --ignore) return ;;
	--output | -o)
		[[ $verb != top ]] || { _kvmtunectl_offer "$typed" name node steal ksm memory; return; }
		_kvmtunectl_offer_files "$typed"
		return
		;;
	--socket | --config | --ksmtuned | --numad | --tuned) _kvmtunectl_offer_files "$typed"; return ;;
	esac
	case $typed in
	--color=*) _kvmtunectl_offer "$typed" --color={auto,always,never}; return ;;
	--severity=*) _kvmtunectl_offer "$typed" --severity={note,warning,critical}; return ;;
	--ignore=*) return ;;
	--for=* | --since=* | --delay=*)
		_kvmtunectl_offer "$typed" "${typed%%=*}"={90s,15m,2h,1d}
		return
		;;
	--*=*) _kvmtunectl_offer_files "$typed"; return ;;
	-*) _kvmtunectl_offer "$typed" "${options[@]}"; return ;;
	esac

	case $verb in
	'' | help) _kvmtunectl_offer "$typed" "${verbs[@]}" ;;
	status | release | audit) _kvmtunectl_offer_guests "$1" "$socket" "$typed" ;;
	explain | pause | resume)
		[[ " ${COMP_WORDS[*]} " == *" --guest "* ]] || _kvmtunectl_offer "$typed" "${loops[@]}"
		_kvmtunectl_offer_guests "$1" "$socket" "$typed"
		;;
	check-config | record | replay) _kvmtunectl_offer_files "$typed" ;;
	esac
}

complete -F _kvmtunectl kvmtunectl
