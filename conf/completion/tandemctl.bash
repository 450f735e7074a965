# SPDX-License-Identifier: BSD-2-Clause
# Completion of tandemctl in bash: commands of this tandemctl and of the running switch, names out of the configuration.

# Commands, one a line, as "tandemctl help" has them: words, then what they take behind two blanks or more.
_tandemctl_commands() {
    tandemctl help 2>/dev/null | sed -nE 's/^([a-z]+( [a-z]+)*).*/\1/p'
}

_tandemctl_names() {
    local kind
    for kind in "$@"; do
        tandemctl names "$kind" 2>/dev/null
    done
}

_tandemctl() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} line words=()
    COMPREPLY=()
    # What is before the cursor, without the options of tandemctl itself.
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        -s) ((i++)) ;;
        -j | --json) ;;
        *) words+=("${COMP_WORDS[i]}") ;;
        esac
    done
    line="${words[*]}"

    case $prev in
    -s | --config) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
    --from) mapfile -t COMPREPLY < <(compgen -W "$(_tandemctl_names trunk)" -- "$cur"); return ;;
    --listen) mapfile -t COMPREPLY < <(compgen -W "$(_tandemctl_names listen)" -- "$cur"); return ;;
    esac
    case $line in
    check* | fmt* | diff*)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        ;;
    explain*)
        mapfile -t COMPREPLY < <(compgen -W "$(tandemctl explain --help 2>/dev/null | grep -oE -- '--[a-z-]+' | sort -u)" -- "$cur")
        ;;
    names)
        mapfile -t COMPREPLY < <(compgen -W "$(tandemctl names 2>/dev/null | cut -d' ' -f1 | sort -u)" -- "$cur")
        ;;
    trunk | "show quality")
        mapfile -t COMPREPLY < <(compgen -W "$(_tandemctl_names trunk)" -- "$cur")
        ;;
    "trunk "*)
        mapfile -t COMPREPLY < <(compgen -W "up drain down end-calls" -- "$cur")
        ;;
    log)
        mapfile -t COMPREPLY < <(compgen -W "error warn info debug" -- "$cur")
        ;;
    *)
        # The next word of every command that begins with these.
        mapfile -t COMPREPLY < <(compgen -W "$(_tandemctl_commands | awk -v line="$line" -v n="${#words[@]}" '
            n == 0 { print $1 }
            n > 0 && index($0 " ", line " ") == 1 && NF > n { print $(n + 1) }' | sort -u)" -- "$cur")
        ;;
    esac
}

complete -F _tandemctl tandemctl
