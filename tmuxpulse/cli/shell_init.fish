# tmuxpulse shell integration for fish 3: marks prompts and commands (OSC 133).
#
# Nothing is done outside tmux, nor in fish 4 and newer, which do it themselves. $status and your
# fish_prompt stay as they are. No process is started.
if status is-interactive; and test "$TERM" != dumb; and string match -qr '^3\.' -- $version
    and begin
        test -n "$TMUX"; or string match -qr '^(tmux|screen)' -- "$TERM"
    end

    function __tmuxpulse_is_alone --description 'whether no terminal marks prompts already'
        for name in __ksi_mark_prompt_start __ghostty_mark_prompt_start iterm2_prompt_mark __wezterm_mark_prompt_start
            functions -q $name; and return 1
        end
        return 0
    end

    function __tmuxpulse_prompt --on-event fish_prompt
        __tmuxpulse_is_alone; and printf '\e]133;A\a'
    end

    function __tmuxpulse_began --on-event fish_preexec
        __tmuxpulse_is_alone; and test -n "$argv[1]"; or return
        set -g __tmuxpulse_ran yes
        # What a space or the private mode keeps out of the history is not told.
        if test -n "$fish_private_mode"; or string match -q ' *' -- $argv[1]
            printf '\e]133;C\a'
        else
            printf '\e]133;C;cmdline_url=%s\a' (string escape --style=url -- (string sub -l 1000 -- $argv[1] | string collect))
        end
    end

    function __tmuxpulse_done --on-event fish_postexec
        set -l result $status
        set -q __tmuxpulse_ran; or return
        set -e __tmuxpulse_ran
        printf '\e]133;D;%s\a' $result
    end
end
