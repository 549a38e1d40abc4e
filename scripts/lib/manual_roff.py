# SPDX-License-Identifier: BSD-3-Clause
"""The sections of a manual page, in roff, from the names that manual_headers has read."""
import re

from manual_headers import Problem, capital, joined, paragraphs

# Statuses that a docstring may name without a reason; those of the library are in status.h.
REASONS = {"APR_SUCCESS": "Success.", "APR_ENOMEM": "There is not enough memory."}

# What is said of several functions in a comment that is no docstring.
NOTES = {"smmap_manager_mode": "The manager must not be NULL."}

CODE = r"(?:APR|SMMAP)_E?[A-Z]+(?:_[A-Z]+)*"
CODES = re.compile(rf"({CODE}(?:, (?:{CODE}|\.\.\.))*)(.*)", re.S)

# --- writing roff -------------------------------------------------------------

def escaped(text):
    for plain, roff in (("\\", "\\e"), ("-", "\\-"), ("^", "\\(ha"), ("~", "\\(ti"),
                        ("`", "\\(ga"), ("'", "\\(aq")):
        text = text.replace(plain, roff)
    return text


def prose(text, italic=()):
    """A paragraph: names in bold, parameters in italics, a new line for each sentence."""
    def marked(match):
        quoted, function, word = match.groups()
        if quoted:
            return f"\\f{'I' if quoted in italic else 'B'}{escaped(quoted)}\\fR"
        if function:
            return f"\\fB{function}\\fR()"
        return f"\\fB{word}\\fR"
    # Hyphens between letters are hyphens, all others a minus.
    parts, at = [], 0
    for match in re.finditer(r"`([^`]+)`|\b(\w+)\(\)|\b(SMMAP_[A-Z0-9_]+\b|APR_[A-Z_]+\b"
                             r"|smmap_\w+_t\b)", text):
        parts += [plain_text(text[at:match.start()]), marked(match)]
        at = match.end()
    filled = "".join(parts) + plain_text(text[at:])
    return "\n".join(protected(line) for line in wrapped(filled))


def plain_text(text):
    text = re.sub(r"(?<=[A-Za-z])-(?=[A-Za-z])", "\0", text)
    return escaped(text).replace("\0", "-").replace("\\(aq", "'")


def wrapped(text):
    """Lines of at most 78 characters; each sentence begins one."""
    for sentence in re.split(r"(?<=[a-z0-9)R][.?!]) (?=[A-Z0-9\\])", text):
        line = ""
        for word in sentence.split():
            if line and len(line) + 1 + len(word) > 78:
                yield line
                line = word
            else:
                line = f"{line} {word}" if line else word
        yield line


def protected(line):
    return "\\&" + line if line[:1] in (".", "'") else line


def item(tag, text, italic=()):
    return [".TP", tag, prose(text, italic)]


def block(lines):
    """A paragraph of an opening comment, which may be an item, or lines to be left as they are."""
    if all(line.startswith("     ") for line in lines):
        return [".PP", ".RS", ".nf"] + [escaped(line.strip()) for line in lines] + [".fi", ".RE"]
    number = re.match(r"(\d\.) (.*)", lines[0])
    if number:
        return [f".IP {number.group(1)} 4", prose(joined([number.group(2)] + lines[1:]))]
    if lines[0].startswith("   "):
        return ['.IP "" 4', prose(joined(lines))]
    text = joined(lines)
    label = re.match(r"(Threads|Lifetime|Fork): (.*)", text)
    if label:
        return [".SS " + label.group(1), prose(capital(label.group(2)))]
    return [".PP", prose(text)]


def prototype(name):
    """Lines of at most 78 characters, parameters in italics."""
    head = re.sub(r"^SMMAP_(API|INLINE) |^typedef ", "", name.code[:name.code.index("(") + 1])
    head = " ".join(head.split())
    arguments = name.arguments()
    lines, width = ["\\fB" + escaped(head)], len(head)
    for at, argument in enumerate(arguments):
        end = ");" if at == len(arguments) - 1 else ","
        if at and width + 1 + len(argument) + len(end) > 76:
            lines.append("\\fB    ")
            width = 4
        elif at:
            lines[-1] += " "
            width += 1
        width += len(argument) + len(end)
        match = re.match(r"(.*?)(\w+)$", argument)
        if argument == "void" or not match:
            lines[-1] += escaped(argument) + end
        else:
            lines[-1] += f"{match.group(1)}\\fI{match.group(2)}\\fB{end}"
    return [line + "\\fR" for line in lines]


# --- the sections of a page ---------------------------------------------------

def title(name):
    return f"{name.name}()" if name.kind in ("function", "callback") else name.name


def description(names):
    """What each does. Functions that only tell something are items of a list."""
    out = [NOTES[names[0].name]] if names[0].name in NOTES else []
    listed = [one for one in names if is_query(one)]
    for name in names:
        if name.kind not in ("function", "callback"):
            continue
        italic = [parameter for parameter, _, _ in name.parameters]
        if name in listed:
            continue
        if sum(one.kind in ("function", "callback") for one in names) > 1:
            out.append(f".SS {title(name)}")
        for at, text in enumerate(name.text):
            out += ([".PP"] if at else []) + [prose(text, italic)]
        for parameter, direction, text in name.parameters:
            out += item(f"\\fI{parameter}\\fR ({direction})", capital(text), italic)
    if listed and len(listed) < len(names):
        out.append(".SS Queries")
    for name in listed:
        out += item(f"\\fB{name.name}\\fR()", " ".join(name.text),
                    [re.search(r"\w+$", one).group(0) for one in name.arguments()])
    return out


def is_query(name):
    return name.kind == "function" and not name.parameters and not name.returns


def types(names):
    out = []
    for name in names:
        if name.kind != "type":
            continue
        out += [f".SS {name.name}", "\n.PP\n".join(prose(text) for text in name.text)]
        for what, text in name.fields:
            kind, field = re.match(r"(.*?)(\w+)$", re.sub(r" = .*", "", what)).groups()
            kind = f"\\fB{escaped(kind)}\\fR" if kind else ""
            font = "I" if kind else "B"
            out += item(f"{kind}\\f{font}{field}\\fR", capital(text[0]))
            for more in text[1:]:
                out += [".IP", prose(more)]
    return out


def macros(names):
    out = []
    for name in names:
        if name.kind == "macro":
            arguments = re.match(r"#define \w+(\([^)]*\))?", name.code).group(1) or ""
            out += item(f"\\fB{name.name}\\fR{arguments}", " ".join(name.text))
    return out


def split_outside(text):
    """At each semicolon that is not in parentheses."""
    parts, depth = [""], 0
    for letter in text:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == ";" and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def return_items(name, everything):
    """Pairs of statuses and a reason; without a status it is a sentence."""
    text = re.sub(rf", and (?={CODE}:)", "; ", name.returns)
    parts = split_outside(text)
    if not any(re.match(CODE, part) for part in parts):
        return [("", capital(text))]
    items, after = [], []
    for part in parts:
        match = CODES.match(part)
        if not match:
            if re.match(r"(or )?(the first error|a status|as |otherwise|other errors)"
                        r"|and errors|the manager", part):
                items.append(("", part))
            elif items:
                items[-1] = (items[-1][0], f"{items[-1][1]}; {part}")
            continue
        codes, reason = match.groups()
        sentence = re.match(r"\. (.*)", reason)
        if sentence:  # it is about all of them
            after.append(("", sentence.group(1)))
            reason = ""
        reason = re.sub(r"^[:,]? ", "", reason.rstrip("."))
        if reason.startswith("or "):
            items += [(codes, ""), ("", reason)]
        else:
            items.append((codes, reason))
    found = []
    for codes, reason in items + after:
        if codes and not reason:
            if codes in everything:
                reason = " ".join(everything[codes].text)
            elif codes in REASONS:
                reason = REASONS[codes]
            else:
                raise Problem(f"{name.name}: no reason for {codes}")
        reason = re.sub(r"^(or|and|otherwise) (?=as |the |a |errors)", "", reason)
        if not codes and reason.startswith("as "):
            reason = f"Otherwise {reason}" if found else reason
        # "(also when ...)" follows the status in a docstring, and is a sentence here.
        match = re.fullmatch(r"\((.*)\)", reason)
        found.append((codes, capital(quoted(name, codes, match.group(1) if match else reason))))
    return found


def quoted(name, codes, reason):
    """Parameters at the start, or in a reason of APR_EINVAL, as if they were in backticks."""
    for parameter, _, _ in name.parameters:
        start = "" if codes == "APR_EINVAL" else "^"
        reason = re.sub(rf"{start}(?<![`\w]){parameter}(?![`\w(])(?! that| name)", f"`{parameter}`",
                        reason)
    return reason


def returns(names, everything):
    functions = [one for one in names if one.kind == "function"]
    told = [one for one in functions if one.returns]
    out = []
    for name in told:
        italic = [parameter for parameter, _, _ in name.parameters]
        if len(functions) > 1:
            out.append(f".SS {title(name)}")
        for codes, reason in return_items(name, everything):
            if codes:
                tag = ", ".join("..." if one == "..." else f"\\fB{one}\\fR"
                                for one in codes.split(", "))
                out += item(tag, reason, italic)
            else:
                out += [".PP"] * (out[-1:] != [] and not out[-1].startswith(".SS"))
                out.append(prose(reason, italic))
    queries = [one for one in functions if is_query(one) and not one.gives_nothing()]
    if queries:
        out = ["The queries return what is said of them above." if told else
               "What is said above."] + out
    silent = [one for one in functions if one.gives_nothing()]
    if silent and not told and not queries:
        out.append("None.")
    return out


def threads(names, opening):
    """What each docstring says; for the others what the header does."""
    general = next((joined(one)[len("Threads: "):] for one in paragraphs(opening)
                    if one[0].startswith("Threads: ")), "")
    said = {}
    for name in names:
        if name.kind == "function" or name.threads:
            said.setdefault(name.threads or general, []).append(name)
    out = []
    for text, those in said.items():
        if not text:
            raise Problem(f"{those[0].name}: neither it nor its header says what of threads")
        text = re.sub(r"^any(?=[.,])", "Any thread may call " + ("it" if len(those) == 1
                                                                  else "them"), text)
        if len(said) > 1 and text is not general:
            out += item(", ".join(f"\\fB{one.name}\\fR()" for one in those), capital(text))
        else:
            out += [".PP"] * bool(out) + [prose(capital(text))]
    return out


def see_also(own, text, page_of, known):
    pages = {page_of[one] for one in re.findall(r"(?<![a-z_/])smmap_\w+", text) if one in page_of}
    pages = [(one, 3) for one in sorted(pages - {own}) if one in known] + [("smmap", 7)]
    return [f".BR {one} ({section})" + ("," if at < len(pages) - 1 else "")
            for at, (one, section) in enumerate(pages)]
