# tmuxpulse shell integration for bash 4.4 and newer: marks prompts and commands (OSC 133).
#
# Nothing is done outside tmux. $?, PROMPT_COMMAND, PS1, PS0 and a DEBUG trap stay yours. No process
# is started for a prompt.
if [[ $- == *i* && ${TERM-} != dumb && ( -n ${TMUX-} || ${TERM-} == tmux* || ${TERM-} == screen* ) ]] &&
    ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 404)) && shopt -q promptvars; then

    # Before a command runs, in the subshell that PS0 starts: which command it is. A line that did
    # not get into the history, by HISTCONTROL or HISTIGNORE, is not told.
    __tmuxpulse_began() {
        if ((!__tmuxpulse_shown)); then return; fi
        local LC_ALL=C line='' url='' char code at
        if [[ $HISTCMD != "$__tmuxpulse_seen" ]]; then
            line=$(HISTTIMEFORMAT= builtin history 1)
            if [[ $line =~ ^[[:blank:]]*[0-9]+[*]?[[:blank:]]+ ]]; then
                line=${line:${#BASH_REMATCH[0]}}
            else
                line=''
            fi
        fi
        for ((at = 0; at < ${#line} && at < 2000; at++)); do
            char=${line:at:1}
            case $char in
                [a-zA-Z0-9_./~-]) url+=$char ;;
                *)
                    builtin printf -v code %d "'$char"
                    builtin printf -v code %%%02X $((code & 255))
                    url+=$code
                    ;;
            esac
        done
        builtin printf '\e]133;C%s\a' "${url:+;cmdline_url=$url}"
    }

    # Last of PROMPT_COMMAND, since what comes before it may make PS1 anew.
    __tmuxpulse_prompt() {
        local result=$?
        __tmuxpulse_end=''
        if ((__tmuxpulse_ran)); then __tmuxpulse_end=1; fi
        __tmuxpulse_ran=0
        __tmuxpulse_seen=$HISTCMD
        if [[ ${PS1-} != "$__tmuxpulse_a"*"$__tmuxpulse_b" || ${PS0-} != *"$__tmuxpulse_c"* ]]; then
            PS1=${PS1-} PS0=${PS0-}
            PS1=${PS1//"$__tmuxpulse_a"/}
            PS1=${PS1//"$__tmuxpulse_b"/}
            PS0=${PS0//"$__tmuxpulse_c"/}
            if __tmuxpulse_is_alone; then
                PS1=$__tmuxpulse_a$PS1$__tmuxpulse_b
                PS0=$__tmuxpulse_c$PS0
            else
                __tmuxpulse_b=''
            fi
        fi
        return "$result"
    }

    # Whether no terminal's own integration marks prompts already.
    __tmuxpulse_is_alone() {
        local name
        for name in __ghostty_precmd _ksi_main __iterm2_prompt_command __wezterm_semantic_precmd; do
            if builtin declare -F "$name" >/dev/null; then return 1; fi
        done
        [[ $PS1$PS0 != *']133;'* && -z ${_ksi_prompt+set} ]]
    }

    # The text of PS1 and PS0 is expanded in this shell: the arithmetic in it sets variables. A
    # command is told of only behind a prompt that was marked, and its end only if its start was.
    __tmuxpulse_a='\[${__tmuxpulse_end:+\e]133;D;$?\a}\e]133;A\a\]'
    __tmuxpulse_b='\[\e]133;B\a${BASH:0:(__tmuxpulse_shown=1,0)}\]'
    __tmuxpulse_c='$(__tmuxpulse_began)${BASH:0:(__tmuxpulse_ran=__tmuxpulse_shown,__tmuxpulse_shown=0,0)}'
    __tmuxpulse_ran=0 __tmuxpulse_shown=0 __tmuxpulse_seen='' __tmuxpulse_end=''
    if [[ "${PROMPT_COMMAND[*]-}" != *__tmuxpulse_prompt* ]]; then
        # As a parameter, so that a shell that got PROMPT_COMMAND alone does not look for it.
        if [[ $(builtin declare -p PROMPT_COMMAND 2>/dev/null) == 'declare -a'* ]] &&
            ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 501)); then
            PROMPT_COMMAND+=('${__tmuxpulse_b:+__tmuxpulse_prompt}')
        else
            if [[ -n ${PROMPT_COMMAND-} ]]; then PROMPT_COMMAND+=$'\n'; fi
            PROMPT_COMMAND+='${__tmuxpulse_b:+__tmuxpulse_prompt}'
        fi
    fi
fi
