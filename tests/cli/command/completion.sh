# shellcheck shell=sh
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2015,SC2016,SC2034,SC2154,SC2317
# What shells complete, with the files that are installed. Sourced by command.sh.
#
# In $work/bin there is an `smmap` that answers --completion as the real one, and otherwise writes
# its arguments to $work/line: what a completed line becomes when it is run.

completions=$here/../../tools/completions
mkdir "$work/bin"
cat >"$work/bin/smmap" <<STUB
#!/bin/sh
case \$1 in
--completion) exec "$SMMAP" "\$@" ;;
*) printf '%s\n' "\$*" >>"$work/line" ;;
esac
STUB
chmod 755 "$work/bin/smmap"

# Every option of every command is in the text for each shell, and no word is left that sh could
# take for something else: what a help says with quotes is quoted.
test_completion_text()
{
    for shell in bash zsh fish; do
        run --completion "$shell" && is_code 0 || return 1
        cp "$out" "$work/completion.$shell"
    done
    for command in info cat find bench; do
        "$SMMAP" "$command" --help | sed -n 's/^  \(-., \|    \)--\([a-z-]*\).*/\2/p' >"$work/names"
        test -s "$work/names" || return 1
        while read -r name; do
            grep -q "^ *$command) words=.* --${name}[ ']" "$work/completion.bash" &&
                grep -q "from $command' -l $name " "$work/completion.fish" &&
                sed -n "/^    $command)/,/;;\$/p" "$work/completion.zsh" |
                grep -q -e "--${name}[=}']" || { echo "$command --$name"; return 1; }
        done <"$work/names"
    done
}
check "--completion has every option of every command" test_completion_text
check "refused: smmap --completion tcsh" complains "'tcsh' is no shell that is known" \
    --completion tcsh
check "refused: smmap --completion" complains 'name bash, zsh or fish' --completion

# What bash has after a line: the last word is the one to complete.
bash_has()
{
    PATH=$work/bin:$PATH BASH_COMPLETION_USER_DIR=$work/bash bash --norc --noprofile -c '
        if [ -r /usr/share/bash-completion/bash_completion ]; then
            . /usr/share/bash-completion/bash_completion
            _completion_loader smmap
        else
            . "$BASH_COMPLETION_USER_DIR/completions/smmap"
        fi
        complete -p smmap >&2 || exit 1
        COMP_WORDS=("$@")
        COMP_CWORD=$(($# - 1))
        _smmap
        echo "${COMPREPLY[*]}"' bash "$@" 2>"$err"
}

test_bash()
{
    mkdir -p "$work/bash/completions"
    cp "$completions/smmap" "$work/bash/completions" || return 1
    test "$(bash_has smmap '')" = 'info cat find bench help --help --version' &&
        test "$(bash_has smmap help b)" = bench && test "$(bash_has smmap info --js)" = --json &&
        test "$(bash_has smmap cat --le)" = --length &&
        test "$(bash_has smmap cat --mode '')" = 'sliding static auto' &&
        test "$(bash_has smmap cat --mode = st)" = static &&
        test "$(bash_has smmap cat --mode =)" = 'sliding static auto' &&
        test "$(bash_has smmap bench --qu)" = --quick &&
        test "$(bash_has smmap bench --workload '')" = "$workloads" &&
        test "$(bash_has smmap bench --contender = pyt)" = python-smmap && test -z "$(bash_has smmap cat -- --le)" &&
        test -z "$(bash_has smmap cat --offset '')" && grep -q '_smmap smmap' "$err" ||
        { cat "$err"; return 1; }
}

# typed LINE: what zsh makes of a line with a tab at its end.
zsh_typed()
{
    rm -f "$work/line"
    PATH=$work/bin:$PATH HOME=$work TERM=vt100 timeout 60 zsh -f -c '
        zmodload zsh/zpty && zpty shell zsh -f -i || exit 1
        zpty -w shell "fpath=($1 \$fpath); autoload -U compinit; compinit -u -D; echo go\"\"on"
        while zpty -r shell line; do [[ $line != *goon* ]] || break; done
        zpty -w -n shell "$2"$'\''\t\n'\''
        zpty -w shell exit
        while zpty -r shell line; do :; done' zsh "$completions" "$1" >"$err" 2>&1
    cat "$work/line"
}

test_zsh()
{
    test "$(zsh_typed 'smmap inf')" = info && test "$(zsh_typed 'smmap help ca')" = 'help cat' &&
        test "$(zsh_typed 'smmap info --js')" = 'info --json' &&
        test "$(zsh_typed 'smmap cat --mode st')" = 'cat --mode static' &&
        test "$(zsh_typed 'smmap find --max-c')" = 'find --max-count' &&
        test "$(zsh_typed 'smmap bench --qu')" = 'bench --quick' &&
        test "$(zsh_typed 'smmap bench --workload seq-c')" = 'bench --workload seq-cold' &&
        test "$(zsh_typed 'smmap cat t/hell')" = 'cat t/hello' || { cat "$err"; return 1; }
}

fish_has()
{
    PATH=$work/bin:$PATH HOME=$work XDG_CONFIG_HOME=$work XDG_DATA_HOME=$work fish -c '
        set fish_complete_path $argv[1]
        complete -C $argv[2] | string split -f 1 \t' "$completions" "$1" 2>"$err" | tr '\n' ' '
}

test_fish()
{
    test "$(fish_has 'smmap ')" = 'bench cat find help info ' &&
        test "$(fish_has 'smmap help b')" = 'bench ' &&
        test "$(fish_has 'smmap info --js')" = '--json ' &&
        test "$(fish_has 'smmap cat --mode ')" = 'auto sliding static ' &&
        test "$(fish_has 'smmap find --max-c')" = '--max-count ' &&
        test "$(fish_has 'smmap bench --qu')" = '--quick ' &&
        test "$(fish_has 'smmap bench --workload ' | tr ' ' '\n' | sort)" = \
            "$(echo "$workloads" | tr ' ' '\n' | sort)" &&
        test "$(fish_has 'smmap cat t/hell')" = 't/hello ' && test ! -s "$err" ||
        { cat "$err"; return 1; }
}

workloads=$("$SMMAP" bench --list | sed -n '/^Workloads/,/^$/s/^  \([^ ]*\).*/\1/p' | paste -sd ' ' -)
for shell in bash zsh fish; do
    if command -v $shell >/dev/null 2>&1; then
        check "$shell completes commands, options, values and files" test_$shell
    else
        skip "what $shell completes" "there is no $shell"
    fi
done
