# tmuxpulse shell integration for zsh: marks prompts and commands (OSC 133).
#
# Nothing is done outside tmux. $?, your hooks and your prompt stay as they are. No process is
# started for a prompt or a command.
if [[ -o interactive && ${TERM-} != dumb && ( -n ${TMUX-} || ${TERM-} == tmux* || ${TERM-} == screen* ) ]]; then

    # First of the hooks before a prompt: the command has ended.
    __tmuxpulse_done() {
        local -i result=$?
        emulate -L zsh
        if (( __tmuxpulse_ran )); then
            print -rn -- $'\e]133;D;'$result$'\a'
        fi
        __tmuxpulse_ran=0
    }

    # Last of them, since what comes before it may make the prompt anew.
    __tmuxpulse_prompt() {
        local -i percent=0
        [[ -o promptpercent ]] && percent=1
        emulate -L zsh
        local mark=$'%{\e]133;B\a%}'
        PS1=${PS1//$mark/}
        if ! __tmuxpulse_is_alone; then
            precmd_functions=(${precmd_functions:#__tmuxpulse_*})
            preexec_functions=(${preexec_functions:#__tmuxpulse_*})
            return
        fi
        print -rn -- $'\e]133;A\a'
        if (( percent )); then
            # A lone % at the end would take ours with it.
            [[ $PS1 == '%' || $PS1 == *[^%]'%' ]] && PS1+='%'
            PS1+=$mark
        fi
        __tmuxpulse_shown=1
        if [[ $precmd_functions[-1] != __tmuxpulse_prompt ]]; then
            __tmuxpulse_hook
        fi
    }

    # Before a command runs: which one it is, unless it is kept out of the history by a space.
    __tmuxpulse_began() {
        local line=${1-}
        [[ -o histignorespace && $line == ' '* ]] && line=''
        emulate -L zsh
        setopt nomultibyte
        (( __tmuxpulse_shown )) || return
        __tmuxpulse_shown=0
        __tmuxpulse_ran=1
        local url='' char code
        local -i at
        for (( at = 1; at <= $#line && at <= 2000; at++ )); do
            char=$line[at]
            if [[ $char == [a-zA-Z0-9_./~-] ]]; then
                url+=$char
            else
                printf -v code '%%%02X' $(( #char & 255 ))
                url+=$code
            fi
        done
        print -rn -- $'\e]133;C'${url:+;cmdline_url=$url}$'\a'
    }

    # Whether no terminal's own integration marks prompts already.
    __tmuxpulse_is_alone() {
        emulate -L zsh
        local name
        for name in _ghostty_precmd _ksi_precmd iterm2_precmd __wezterm_semantic_precmd; do
            (( ${+functions[$name]} )) && return 1
        done
        [[ $PS1 != *']133;'* ]]
    }

    # Put each hook where it belongs, once.
    __tmuxpulse_hook() {
        emulate -L zsh
        typeset -ga precmd_functions preexec_functions
        precmd_functions=(__tmuxpulse_done ${precmd_functions:#__tmuxpulse_*} __tmuxpulse_prompt)
        preexec_functions=(${preexec_functions:#__tmuxpulse_*} __tmuxpulse_began)
    }

    typeset -gi __tmuxpulse_ran=0 __tmuxpulse_shown=0
    __tmuxpulse_hook
fi
