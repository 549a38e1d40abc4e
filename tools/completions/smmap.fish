# fish: completion of smmap; the command knows its own options.
command smmap --completion fish 2>/dev/null | source
