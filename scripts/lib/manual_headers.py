# SPDX-License-Identifier: BSD-3-Clause
"""The public headers, as scripts/manpages reads them: each name with what its docstring says.

It is a Problem if a docstring does not fit its prototype.
"""
import os
import re

DECLARATION = re.compile(r"""
    ^(?:/\*\*((?:(?!\*/).)*)\*/\n)?          # a docstring
    (\#define\ (?:[^\n]*\\\n)*[^\n]*
    |typedef\ (?:enum|struct)\ \w+\ \{.*?\n\}\ \w+;
    |typedef\ [^;]*;
    |SMMAP_(?:API|INLINE)\ [^;{]*[;{])""", re.S | re.M | re.X)
MEMBER = re.compile(r"\s*(?:/\*\*(?!<)(.*?)\*/)?\s*([^;,/]+?)\s*(?:[;,]|(?=/)|$)"
                    r"[ ]*(?:/\*\*<(.*?)\*/)?", re.S)


class Problem(Exception):
    """What is wrong with the headers, for the one who wrote them."""


def lines_of(comment):
    """The lines of a comment, without what frames them."""
    return [re.sub(r"^ ?\* ?", "", line.strip() if line.startswith("    ") else line).rstrip()
            for line in comment.strip("\n").split("\n")]


def paragraphs(lines):
    """Lists of lines between blank ones."""
    found = [[]]
    for line in lines:
        if line.strip():
            found[-1].append(line)
        elif found[-1]:
            found.append([])
    return [one for one in found if one]


def joined(lines):
    return " ".join(line.strip() for line in lines if line.strip())


def capital(text):
    """As a sentence of its own; names of the interface keep their case."""
    if re.match(r"[a-z]+([ ,.:;]|$)", text):
        text = text[0].upper() + text[1:]
    return text if re.search(r"[.?!]\)?$", text) else text + "."


class Name:
    """A function, type or macro, and what its docstring says."""

    def __init__(self, header, comment, code):
        self.header, self.code = header, code
        self.fields, self.parameters, self.returns, self.threads = [], [], "", ""
        if code.startswith("#define"):
            self.kind = "macro"
            self.name = re.match(r"#define (\w+)", code).group(1)
        elif code.startswith("typedef") and ("{" in code or "(" not in code):
            self.kind = "type"
            self.name = re.search(r"(\w+);$", code).group(1)
        else:
            self.kind = "callback" if code.startswith("typedef") else "function"
            self.name = re.search(r"(\w+)\(", code).group(1)
        self.documented = comment is not None
        self.read(lines_of(comment or ""))
        if "{" in code and self.kind == "type":
            self.read_members(code[code.index("{") + 1:code.rindex("}")])
        if self.kind in ("function", "callback"):
            self.check_prototype()

    def read(self, lines):
        tags = [[]]
        for line in lines:
            if re.match(r"@|Threads: |Lifetime: ", line):
                tags.append([])
            tags[-1].append(line)
        self.text = [joined(one) for one in paragraphs(tags[0])]
        for tag in tags[1:]:
            text = joined(tag)
            if text.startswith("@param "):
                match = re.match(r"@param (\w+) \((in|out|in, out)\) (.*)", text)
                if not match:
                    raise Problem(f"{self.name}: not `@param NAME (in|out|in, out) TEXT`: {text}")
                self.parameters.append(match.groups())
            elif text.startswith("@return "):
                self.returns = text[len("@return "):]
            elif text.startswith("Threads: "):
                self.threads = text[len("Threads: "):]
            elif text.startswith("Lifetime: "):
                self.text.append(capital(text[len("Lifetime: "):]))
            else:
                raise Problem(f"{self.name}: not known here: {text}")
        if self.text and not self.threads and " Threads: " in self.text[-1]:
            self.text[-1], self.threads = self.text[-1].split(" Threads: ")
        # "Threads: any. Never fails." says two things.
        self.threads, never, more = self.threads.partition(" Never fails")
        if never:
            self.text[-1] += never + more

    def read_members(self, body):
        for before, what, after in MEMBER.findall(body):
            if what.strip() and not before + after:
                raise Problem(f"{self.name}: {what} has no docstring")
            if what.strip():
                self.fields.append((what, [joined(one) for one in
                                           paragraphs(lines_of(before or after))]))

    def check_prototype(self):
        wanted = [re.search(r"(\w+)$", one).group(1) for one in self.arguments() if one != "void"]
        found = [name for name, _, _ in self.parameters]
        if found and found != wanted:
            raise Problem(f"{self.name}: the parameters are {wanted}, documented are {found}")
        if found and not self.returns and not self.gives_nothing():
            raise Problem(f"{self.name}: no @return")

    def arguments(self):
        inside = self.code[self.code.index("(") + 1:self.code.rindex(")")]
        return [" ".join(one.split()) for one in inside.split(",")]

    def gives_nothing(self):
        return re.match(r"(SMMAP_API|typedef) void \w", self.code)


def read_header(top, header):
    """The opening comment, and the names in their order."""
    with open(os.path.join(top, "include/smmap", header + ".h"), encoding="utf-8") as file:
        text = file.read()
    opening = re.match(r"/\* SPDX.* \*/\n/\*\n((?s:.*?))\*/\n", text).group(1)
    names = []
    for comment, code in DECLARATION.findall(text):
        if code.startswith("#define") and not comment:
            continue  # guards of headers, and what the documented macros are made of
        name = Name(header, comment or None, code)
        if not name.documented:
            raise Problem(f"{header}.h: {name.name} has no docstring")
        names.append(name)
    return lines_of(opening), names
