"""Turns a Markdown document into the draft of a runbook: a file that is valid but for what its author has to decide.

What a section says about the runbook rather than what to do in it stands in the description; its links and the contacts
of its tables are lifted out of it besides. Everything else becomes steps, in the order of the document.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from runbook.language.characters import hidden_in
from runbook.language.files import LARGEST
from runbook.language.markdown.blocks import Block, Sort
from runbook.language.markdown.drafted import Note, counted, keys, text_of
from runbook.language.markdown.placeholders import Placeholder
from runbook.language.markdown.sections import Parts, Section, parts_of
from runbook.language.markdown.steps import Steps, does_something
from runbook.language.markdown.tables import contacts_in
from runbook.language.markdown.words import heading_of, links_in, plain, snake, with_links
from runbook.language.places import Path
from runbook.language.typed import text as text_in
from runbook.language.yaml_text import visible, yaml_text
from runbook.model.canonical import Json, JsonObject
from runbook.model.diagnostics import Code, Diagnostic, Refused

_LISTS = re.compile(
    r"(?:table of )?contents?|toc|(?:useful |related |external |quick )?links"
    r"|(?:additional |further |more |related )?(?:references?|resources|reading|information|documents|documentation)"
    r"|see also|related|glossary|definitions|terminology|owners?|ownership|maintainers?|change ?log"
    r"|(?:(?:revision|version|change|document) )?history|document (?:control|information)|metadata"
    r"|(?:(?:emergency|key|important|useful|on-call|escalation) )?contacts?(?: (?:information|list|details))?"
)
"""Sections that say something about the runbook, also where they count it up."""
_ABOUT = re.compile(
    r"overview|about(?: this .*)?|introduction|intro|background|summary|description|purpose|scope|audience|meaning"
    r"|impact|severity|symptoms?|when to use.*"
)
"""Sections that say something about the runbook, unless they have an ordered list."""
_ESCALATION = re.compile(r"escalation.*|who to (?:call|contact)|on-?call.*")
_NUMBER = re.compile(r"^(?:[0-9]+(?:\.[0-9]+)*[.)]?|[A-Za-z][.)])\s+")
_UNNAMED = frozenset({"", "readme", "index", "runbook", "untitled"})
_MOST_LINKS = 50

DRAFT_TOO_LARGE = Code(
    number="RB384",
    title="document that is too long for one runbook",
    why="Each instruction of a document becomes a step, and so many would be a file that is too large to be read as a "
    "runbook. A runbook is about one situation: import the part of the document that is.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A draft: the ``text`` of its file, what became what in the order of lines, and how many steps it has.

    ``left`` is how many comments in it say what is to be decided.
    """

    text: str
    notes: Sequence[Note]
    steps: int
    left: int


def draft_of(source: str, name: str, file: str = "") -> Draft:
    """The draft of a runbook.

    :param source: a Markdown document.
    :param name: that of its file, without what ends it.
    :param file: the file, for the message.
    :raises Refused: if the draft would be larger than a runbook may be.
    """
    parts = parts_of(source)
    steps = Steps(parts.links)
    about = _divided(parts, steps)
    steps.finish()
    lifted = (each for section in about for block in section.blocks for each in _contacts_of(section, block))
    title = heading_of(parts.title.text) if parts.title else text_in((parts.keys or {}).get("title")).strip()
    title = " ".join(title.split()) or name
    stem = snake(name)
    top: JsonObject = keys(
        runbook="v1",
        id=_id(title if stem in _UNNAMED or stem.startswith("index_") else stem),
        title=title,
        description=_description(parts, about),
        owner=_said(parts.keys, "owner", "team", "author"),
        tags=_tags(parts.keys),
        links=[*_links(about)],
        contacts=[dict(each) for each in (*lifted, *steps.contacts)],
        **_declared([*steps.placeholders.used.values()]),
    )
    top["steps"] = [step.fields for step in steps.steps]
    comments: dict[Path, Sequence[str]] = {
        ("steps", number, key): said for number, step in enumerate(steps.steps) for key, said in step.comments.items()
    }
    comments[()] = [
        f"A draft, made from {name}.md by `runbook import`. What is to be decided stands behind `decide:`.",
        "Until every effect is decided, `runbook check` refuses it and nothing in it can be run."
        if any("effect" in said for lines in comments.values() for said in lines[:1])
        else "It has no step whose effect is to be decided: it asks a person, and runs nothing.",
    ]
    for each in steps.placeholders.used.values():
        at = ("secrets" if each.secret else "inputs", each.name)
        comments[at] = ["decide: where it comes from: env, file, command or prompt"] if each.secret else []
    notes = [*_above(parts), *_hidden(source), *_moved(about), *steps.notes]
    text = yaml_text(top, comments)
    if len(text.encode()) > LARGEST:
        message = f"the draft would have more than {LARGEST:,} bytes, with {len(steps.steps):,} steps"
        help_ = "import the part that is about one situation"
        raise Refused(Diagnostic(code=DRAFT_TOO_LARGE, message=message, file=file, help=help_))
    return Draft(
        text=text,
        notes=sorted(notes, key=lambda note: (note.first, note.last)),
        steps=len(steps.steps),
        left=sum(said.startswith("decide:") for lines in comments.values() for said in lines),
    )


def _divided(parts: Parts, steps: Steps) -> Sequence[Section]:
    """Make steps of the sections, and return those that say something about the runbook instead."""
    first, *rest = parts.sections
    above, begun = _introduction(first.blocks)
    told = [_is_about(section) for section in rest]
    if all(told) and not begun:  # or there would be no step at all
        if any(block.sort is not Sort.RULE for block in above):
            above, begun = [], above
        else:
            told = [False for _ in rest]
    if begun:
        steps.section(Section(path=(), blocks=begun))
    about = [Section(path=(), blocks=above)] if above else []
    for number, (section, aside) in enumerate(zip(rest, told, strict=True)):
        if aside:
            about.append(section)
        else:
            below = rest[number + 1].path if number + 1 < len(rest) else ()
            steps.section(section, goes_on=any(heading is section.path[-1] for heading in below))
    return about


def _introduction(blocks: Sequence[Block]) -> tuple[Sequence[Block], Sequence[Block]]:
    """What stands above the first thing to do, and from there on; a paragraph that leads to it goes with it."""
    for number, block in enumerate(blocks):
        if does_something(block) or block.sort is Sort.ORDERED:
            leads = number and blocks[number - 1].sort is Sort.TEXT and blocks[number - 1].text.rstrip().endswith(":")
            begin = number - 1 if leads else number
            return blocks[:begin], blocks[begin:]
    return blocks, []


def _is_about(section: Section) -> bool:
    """Whether a section says something about the runbook, not what to do."""
    names = [
        _NUMBER.sub("", re.sub(r"[^\w\s.-]+", " ", plain(heading.text)).strip().lower()) for heading in section.path
    ]
    if any(map(does_something, section.blocks)):
        return False
    if any(map(_LISTS.fullmatch, names)):
        return True
    if any(map(_ABOUT.fullmatch, names)):
        return not any(block.sort is Sort.ORDERED for block in section.blocks)
    only_people = [block.sort is Sort.TABLE and bool(contacts_in(block, names[-1])) for block in section.blocks]
    return bool(_ESCALATION.fullmatch(names[-1])) and bool(only_people) and all(only_people)


def _description(parts: Parts, about: Sequence[Section]) -> str:
    """What the document says about itself, below its headings, and its front matter."""
    pieces: list[str] = []
    shown: Sequence[Block] = ()
    for section in about:
        new = [heading for heading in section.path if not any(heading is known for known in shown)]
        pieces += ["\n".join(heading.lines) for heading in new]
        pieces.append(with_links(text_of(section.blocks), parts.links).strip("\n"))
        shown = section.path
    if parts.matter:
        fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", parts.matter)), default=0))
        inner = "\n".join(parts.matter.strip("\n").split("\n")[1:-1])
        pieces.append(f"{fence}{'yaml' if parts.matter[0] == '-' else 'toml'}\n{inner}\n{fence}")
    text = "\n\n".join(filter(None, pieces))
    return f"{text}\n" if "\n" in text else text


def _links(about: Sequence[Section]) -> Iterator[JsonObject]:
    """The pages that the description speaks of, each once."""
    known: set[str] = set()
    for section in about:
        for block in section.blocks:
            for each in block.all():
                for title, url in links_in(each.text if each.sort is Sort.TEXT else ""):
                    if url not in known and len(known) < _MOST_LINKS:
                        known.add(url)
                        yield {"title": visible(title), "url": visible(url)}


def _contacts_of(section: Section, block: Block) -> Iterator[Mapping[str, str]]:
    heading = " ".join(plain(each.text) for each in section.path)
    for table in block.all():
        if table.sort is Sort.TABLE:
            yield from contacts_in(table, heading)


def _declared(placeholders: Sequence[Placeholder]) -> JsonObject:
    """The inputs and secrets that stand for what the document leaves to its reader."""
    inputs: JsonObject = {
        each.name: {"prompt": f"What is {each.written} here?"} for each in placeholders if not each.secret
    }
    secrets: JsonObject = {each.name: {"env": each.variable} for each in placeholders if each.secret}
    return keys(inputs=inputs, secrets=secrets)


def _id(text: str) -> str:
    name = snake(text) or "runbook"
    return name if name[0].isalpha() else f"runbook_{name}"


def _said(matter: Mapping[str, Json] | None, *names: str) -> str:
    """The first of some keys of the front matter that says something in one line."""
    for name in names:
        value = (matter or {}).get(name)
        if isinstance(value, str) and value.strip():
            return " ".join(value.split())
    return ""


def _tags(matter: Mapping[str, Json] | None) -> list[Json]:
    tags = (matter or {}).get("tags")
    words = tags.split(",") if isinstance(tags, str) else tags if isinstance(tags, list) else []
    return [word.strip() for word in words if isinstance(word, str) and word.strip()]


def _above(parts: Parts) -> Iterator[Note]:
    if parts.matter:
        became = "description" if parts.keys is None else "description, and what has a key of its own"
        yield Note(first=1, last=parts.matter_last, what="front matter", became=became)
    if parts.title:
        yield Note(first=parts.title.first, last=parts.title.last, what="heading", became="title")


def _hidden(source: str) -> Iterator[Note]:
    """What no runbook may hold, and is written out."""
    for number, line in enumerate(source.removeprefix("\ufeff").replace("\r\n", "\n").split("\n"), start=1):
        at = hidden_in(line.rstrip("\r"))
        if at is not None:
            became = f"written out: {visible(line[at])}"
            yield Note(first=number, last=number, what="character that hides something", became=became)


def _moved(about: Sequence[Section]) -> Iterator[Note]:
    for section in about:
        if section.path:
            heading = section.path[-1]
            yield Note(first=heading.first, last=heading.last, what="heading", became="description")
        for block in section.blocks:
            lifted = [*_contacts_of(section, block)]
            became = f"description, and {counted(lifted, 'contact')}" if lifted else "description"
            if block.sort is not Sort.RULE:
                yield Note(first=block.first, last=block.last, what=block.sort.value, became=became)
