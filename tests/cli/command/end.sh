# shellcheck shell=sh
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2015,SC2034,SC2154,SC2317
# How the command ends: a full disk, nobody who reads, ^C; and the bar, which has to be gone
# then. Sourced by command.sh.

test_full()
{
    for command in "cat t/hello" "find -c l t/hello" "info t/hello" "--help" "find --help" \
        "--version"; do
        # shellcheck disable=SC2086 # several words
        "$SMMAP" $command >/dev/full 2>"$err"
        code=$?
        is_code 2 && says 'standard output: No space left' || { echo "smmap $command"; return 1; }
    done
}
if [ -c /dev/full ] && ! echo x 2>/dev/null >/dev/full; then
    check "a full disk is an error" test_full
else
    skip "a full disk" "there is no /dev/full"
fi

test_closed()
{
    "$SMMAP" cat t/hello >&- 2>"$err"
    code=$?
    is_code 2 && says 'standard output' || return 1
    "$SMMAP" find -q hello t/hello >&-
    code=$?
    is_code 0
}
check "a standard output that is closed is an error for those who write" test_closed

# A file that is opened for writing must not become the stream that was closed.
test_closed_trace()
{
    for stream in 1 2; do
        rm -f t/trace
        SMMAP_TRACE=$work/t/trace sh -c "exec \"\$@\" $stream>&-" sh "$SMMAP" cat t/missing t/hello \
            >"$out" 2>"$err"
        code=$?
        is_code 2 && ! grep -v -e '^# smmap trace' -e '^[0-9]* [0-9]* [a-z]*' t/trace || return 1
    done
}
check "nothing is printed into another file where a stream was closed" test_closed_trace

test_slow_reader()
{
    rm -f t/pipe
    mkfifo t/pipe || return 1
    letters 1 1000000 x >t/slow
    exec 8<>t/pipe 9>t/pipe
    dd if=/dev/null oflag=nonblock >&9 2>/dev/null # dd leaves it so
    "$SMMAP" cat t/slow >&9 2>"$err" &
    writer=$!
    sleep 0.3
    timeout 60 head -c 1000000 <&8 | cmp - t/slow
    same=$?
    wait $writer
    code=$?
    exec 8>&- 9>&-
    rm -f t/pipe t/slow
    is_code 0 && test "$same" -eq 0
}
if [ "$(uname -s)" = Linux ]; then
    check "an output that does not block is waited for" test_slow_reader
else
    skip "an output that does not block" "how pipes are opened differs"
fi

# A file that takes no room, larger than what any pipe holds and anybody waits for.
endless=t/endless
if ! put $endless 68719476735 x || [ "$(du -k $endless | cut -f 1)" -gt 1048576 ]; then
    rm -f $endless
    endless=
fi

test_pipe()
{
    for command in "cat $endless" "find --hex 00 $endless"; do
        # shellcheck disable=SC2086 # several words
        { "$SMMAP" $command 2>"$err"; echo $? >"$work/code"; } | head -c 5 >"$out"
        code=$(cat "$work/code")
        is_code 141 && test ! -s "$err" || { echo "smmap $command"; return 1; }
    done
}
if [ -n "$endless" ]; then
    check "nobody reads the output: ended by SIGPIPE, quietly" test_pipe
else
    skip "an output that nobody reads" "the file system has no holes"
fi

# A file that is cut while it is read: the writer is held up by the pipe until it was cut.
# test_cut FIRST ARGUMENT...: the first bytes that it writes
test_cut()
{
    first=$1
    shift
    rm -f t/pipe
    mkfifo t/pipe || return 1
    exec 9<>t/pipe
    "$SMMAP" "$@" t/cut >&9 2>"$err" &
    finder=$!
    start=$(dd bs=1 count=${#first} <&9 2>/dev/null | tr '\0' 0)
    : >t/cut
    cat <&9 >/dev/null &
    drain=$!
    wait $finder
    code=$?
    kill $drain
    exec 9>&-
    rm -f t/cut t/pipe
    test "$start" = "$first" && is_code 2 && says 't/cut: the file was cut short'
}
if [ "$(uname -s)" != Linux ]; then
    skip "a file that is cut while it is read" "how pipes are opened differs"
else
    letters 1 4194304 x >t/cut
    check "a file that is cut while it is searched is an error" test_cut t/cut:0 find x
    put t/cut 33554432 x
    check "a file that is cut while a hole of it is written is an error" test_cut 0000 cat
fi

# ^C without a bar: the writer is held up by a pipe that nobody reads, until it is hit.
test_interrupt()
{
    rm -f t/pipe
    mkfifo t/pipe || return 1
    exec 9<>t/pipe
    timeout --preserve-status -k 20 -s INT 1 "$SMMAP" cat "$endless" >&9 2>"$err"
    code=$?
    exec 9>&-
    is_code 130 && test ! -s "$err"
}
interruptible=1
sh -c 'kill -INT $$; exit 0' && interruptible=
if [ -z "$endless" ]; then
    skip "^C" "the file system has no holes"
elif [ -z "$interruptible" ]; then
    skip "^C" "whoever started this test ignores SIGINT"
elif ! timeout --preserve-status -k 20 -s INT 60 true 2>/dev/null; then
    skip "^C" "there is no timeout command of GNU"
else
    check "^C ends it at once" test_interrupt
fi

# The bar, on a terminal made by script(1). The reader takes small pieces until the bar is
# there, then hits ^C (or goes away), and reads on to the end. The terminal has so many columns (0:
# it does not tell), and COLUMNS says 57, which counts only then. The file's name has 24 columns.
# test_bar HOW CODE COLUMNS
test_bar()
{
    how=$1
    want_code=$2
    columns=$3
    rm -f t/pipe t/pid t/screen t/ended
    wide=t/$(printf '\346\274\242\345\255\227%.0s' 1 2 3 4 5 6)
    ln -f "$endless" "$wide"
    mkfifo t/pipe || return 1
    : >t/screen
    {
        tries=0
        exec <t/pipe
        while [ ! -e t/ended ] && ! grep -aq '% \[' t/screen && [ "$tries" -lt 600 ]; do
            dd bs=65536 count=1 >/dev/null 2>&1
            sleep 0.1
            tries=$((tries + 1))
        done
        if [ "$how" = interrupt ]; then
            kill -INT "$(cat t/pid)"
            cat >/dev/null
        fi
    } &
    export SMMAP wide columns
    TERM=vt100 COLUMNS=57 script -qefc "sh -c 'stty cols \$columns; echo \$\$ >t/pid
        exec \"\$SMMAP\" cat \"\$wide\" >t/pipe'" t/screen >/dev/null 2>&1 </dev/null
    code=$?
    : >t/ended
    exec 9<>t/pipe # a reader that still waits for a writer goes on
    exec 9>&-
    wait
    : >"$err"
    is_code "$want_code" || { cat t/screen; return 1; }
    grep -aq '% \[=* *\].* of 64' t/screen || { echo "no bar:"; cat t/screen; return 1; }
    test "$columns" -gt 0 || columns=57
    # Without one of its three bytes, a wide character is two, as it has two columns.
    tr '\r' '\n' <t/screen | grep -av '^Script ' | tr -d '\345\346' |
        awk -v most=$((columns - 1)) 'length > most { print "too wide: " $0; wide = 1 }
            length >= most - 1 { full = 1 }
            END { exit wide || !full }' || { echo "not made for $columns columns"; return 1; }
    # The last thing that was drawn are blanks over the bar.
    tr '\r' '\n' <t/screen | grep -av '^Script ' | grep -a . | tail -n 1 | grep -aq '^ *$' ||
        { echo "the bar was left on the screen:"; cat t/screen; return 1; }
}
if [ -z "$endless" ]; then
    skip "the bar" "the file system has no holes"
elif ! script --version 2>/dev/null | grep -q util-linux; then
    skip "the bar" "there is no script command of util-linux to make a terminal"
else
    if [ -n "$interruptible" ]; then
        check "the bar, and ^C takes it away" test_bar interrupt 130 100
    else
        skip "^C with a bar" "whoever started this test ignores SIGINT"
    fi
    check "the bar, and the end of the reader takes it away" test_bar leave 141 30
    check "a bar as wide as COLUMNS says, where the terminal does not" test_bar leave 141 0
fi

# Colours where standard output is a terminal.
test_colored()
{
    on_terminal="'$SMMAP' find -h 'o w' t/hello"
    plain=$(NO_COLOR=1 TERM=vt100 script -qec "$on_terminal" /dev/null </dev/null | tr -d '\r')
    colored=$(TERM=vt100 script -qec "$on_terminal" /dev/null </dev/null | tr -d '\r')
    test "$plain" = 4 && test "$colored" = "$(printf '\033[32m4\033[m')" ||
        { echo "$plain"; echo "$colored"; return 1; }
}
# What is in names is not obeyed: not on a terminal, and not in messages wherever they go. Files,
# pipes and JSON get all of a name.
test_names()
{
    wild=$(printf 't/w\033[31m\n\302\205\377\303\244.')
    tame=$(printf 't/w?[31m???\303\244.')
    printf 'hello' >"$wild" || return 1
    gives 0 "$wild:4" find o "$wild" && gives 0 "$wild" find -l o "$wild" &&
        gives 0 "$(printf '{"path":"t/w\\u001b[31m\\u000a\\u0085\\udcff\303\244.","count":1}')" \
            find -c --json o "$wild" || return 1
    run info "$wild"
    grep -q "$(printf '  t/w\033')" "$out" || return 1
    run cat "${wild%.}!"
    grep -qF "smmap: ${tame%.}!: " "$err" && complains "'?.31m'" "$(printf '\033[31m')" || return 1
    WILD=$wild NO_COLOR=1 TERM=vt100 script -qec "'$SMMAP' find o \"\$WILD\"; '$SMMAP' find -l o \
\"\$WILD\"; '$SMMAP' info \"\$WILD\"" /dev/null </dev/null | tr -d '\r' >"$out"
    test "$(head -n 2 "$out")" = "$tame:4
$tame" && grep -q "  $(echo "$tame" | sed 's/\[/\\[/')\$" "$out" || { cat -v "$out"; return 1; }
}
if script --version 2>/dev/null | grep -q util-linux; then
    check "names with control characters on a terminal, in messages, and elsewhere" test_names
    check "find prints in colours on a terminal, but not with NO_COLOR" test_colored
else
    skip "colours on a terminal" "there is no script command of util-linux to make a terminal"
fi

test_no_bar()
{
    # The same work without a terminal: nothing is drawn.
    rm -f t/pipe
    mkfifo t/pipe || return 1
    { sleep 2; head -c 4000000 >/dev/null; } <t/pipe &
    "$SMMAP" cat --length 4000000 "$endless" >t/pipe 2>"$err"
    code=$?
    wait
    is_code 0 && test ! -s "$err"
}
if [ -n "$endless" ]; then
    check "no bar without a terminal" test_no_bar
fi
