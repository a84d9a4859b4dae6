# Completion for fish.  Commands and options come from the programs themselves,
# so that they are those of the installed version.

function __evtape_lines
    set -l words (commandline -opc)
    set -l have $words[1]
    for word in $words[2..3]
        if string match -q -- '-*' $word
            break
        end
        if contains -- $word record replay sim; and string match -qr '(^|/)evtape$' -- $have[1]
            set have "$have[1]-$word"
            break
        end
        if not contains -- $word ($have --complete 2>/dev/null | string split -f 1 \t)
            break
        end
        set have $have $word
    end
    $have --complete 2>/dev/null
    if test (count $have) -eq 1; and string match -qr '(^|/)evtape$' -- $have[1]
        printf '%s\t\tstart evtape-%s\n' record record replay replay sim sim
    end
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
