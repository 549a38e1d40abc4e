# SPDX-License-Identifier: BSD-3-Clause
# Make the version script of the shared library from tests/package/exports.txt: a line
# "# SMMAP_0.2" begins a node, in which the names below it are. Both builds use it, where programs
# are ELF.
/^# SMMAP_[0-9.]+$/ {
    if (node != "") {
        print "}" before ";"
        before = " " node
    }
    node = $2
    print node " {\n    global:"
}
/^smmap_/ { print "    " $1 ";" }
END { print "    local: *;\n}" before ";" }
