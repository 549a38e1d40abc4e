# SPDX-License-Identifier: BSD-3-Clause
# Writes a history for git fast-import: files that change line by line, so that most blobs become
# deltas, and in each commit one blob that is like no other. The same numbers give the same history.
#
#     awk -v commits=4000 -v files=300 -f history.awk | git fast-import

function random_line(    line, k)
{
    line = ""
    for (k = 0; k < 8; k++)
        line = line sprintf("%08x", int(rand() * 4294967296))
    return line
}

function write_file(path, text)
{
    printf "M 100644 inline %s\ndata %d\n%s\n", path, length(text), text
}

function whole(file,    text, k)
{
    text = ""
    for (k = 0; k < lines; k++)
        text = text content[file, k] "\n"
    return text
}

BEGIN {
    srand(1)
    lines = 100
    for (f = 0; f < files; f++)
        for (k = 0; k < lines; k++)
            content[f, k] = random_line()
    for (c = 0; c < commits; c++) {
        message = "commit " c
        printf "commit refs/heads/main\ncommitter A <a@example.com> %d +0000\n", 1600000000 + c
        printf "data %d\n%s\n", length(message), message
        for (n = 0; n < 4; n++) {
            f = int(rand() * files)
            content[f, int(rand() * lines)] = random_line()
            write_file("text/" (f % 16) "/" f, whole(f))
        }
        text = ""
        for (k = int(rand() * 800); k >= 0; k--)
            text = text random_line() "\n"
        write_file("data/" (c % 64) "/" c, text)
    }
}
