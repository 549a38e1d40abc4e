# What the Doxyfile makes of a header before doxygen reads it; no line is added or taken away.
2{
N
s,^/\*\n \* libsmmap: random,/** @mainpage libsmmap\
 * Random,
s,^/\*\n,/** @file\
,
}
s/@param ([a-z_]+) \(in, out\)/@param[in,out] \1/
s/@param ([a-z_]+) \((in|out)\)/@param[\2] \1/
s/^ \* (Threads|Lifetime): / * @remark \1: /
# A line of @return that begins with a status is an item.
s/^ \*         ((APR|SMMAP)_[A-Z_]+[:;,.])/ *         <br>\1/

# What only the headers themselves need.
s/^#define SMMAP_NULL .*//
/^#define SMMAP_VERSION_QUOTE/,/^$/s/.*//
s,^#define SMMAP_VERSION_(MAJOR|MINOR|PATCH) .*,& /**< one of the three numbers */,
