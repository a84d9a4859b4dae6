# Completion for fish.  The programs list their own commands and options, so that
# they match the installed version.

function __evtape_lines
    set -l words (commandline -opc)
    set -l have $words[1]
    for word in $words[2..3]
        if string match -q -- '-*' $word
            break
        end
        if not contains -- $word ($have --complete 2>/dev/null | string split -f 1 \t)
            break
        end
        set have $have $word
    end
    $have --complete 2>/dev/null
end

function __evtape_complete
    __evtape_lines | while read -l line
        set -l field (string split \t -- $line)
        printf '%s\t%s\n' $field[1] $field[3]
    end
end

for program in evtape evtape-record evtape-replay evtape-sim
    complete -c $program -a '(__evtape_complete)'
end
