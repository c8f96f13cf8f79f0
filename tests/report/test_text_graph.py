"""The rail in characters: every way is told, no line ends in the air, and it keeps to the width."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from runbook.report.text_graph import Line, Stop, Tone, Track, text_graph

STEPS = [f"s{number}" for number in range(9)]
WALKED = st.sampled_from([True, False])
TRACKS = st.lists(
    st.tuples(
        st.sampled_from(STEPS), st.sampled_from([*STEPS, "nowhere"]), st.sampled_from(["passed", "failed"]), WALKED
    ),
    max_size=30,
    unique_by=lambda track: track[:3],
)
COLUMNS = st.sampled_from([20, 40, 80])
UP, DOWN = set("│┆╵╯╰┤├┴┼"), set("│┆╷╮╭┤├┬┼")
STOPS = [Stop(step=step, end=step == "s8", walked=True) for step in STEPS]


def tracks_of(ways: list[tuple[str, str, str, bool]]) -> list[Track]:
    return [Track(source=s, target=t, via=via, walked=walked, note=":7") for s, t, via, walked in ways]


def text(line: Line) -> str:
    return "".join(piece for piece, _ in line).rstrip()


def drawn(*tracks: Track, steps: str = "abcd", columns: int = 80) -> list[str]:
    stops = [Stop(step=step, end=step == steps[-1], walked=True) for step in steps]
    return [text(line) for line in text_graph(stops, tracks, columns)]


def way(source: str, target: str, via: str = "passed", *, walked: bool | None = True) -> Track:
    return Track(source=source, target=target, via=via, walked=walked, note=":7")


def test_walked_lines_are_drawn_through_and_others_dashed_with_their_line_in_the_file() -> None:
    found = drawn(
        way("a", "b"), way("a", "c", "failed", walked=False), way("b", "c"), way("c", "d"), way("c", "a", "failed")
    )
    assert found == [
        "●◂──╮ a",
        "├╌╮ │   ○ failed → c  :7",
        "● ┆ │ b",
        "●◂╯ │ c",
        "├───╯   ● failed → a",
        "■     d",
    ]


def test_where_there_is_little_room_neither_a_title_nor_where_a_way_leads_is_cut() -> None:
    ways = [
        way("a", "c", "“the spools are full”", walked=None),
        way("a", "b", "", walked=None),
        way("b", "c", walked=None),
    ]
    stops = [Stop(step=step, end=step == "c", words=f"{step}  a title of some words") for step in "abc"]
    assert [text(line) for line in text_graph(stops, ways, 24)] == [
        "●   a  a title of some",
        "│   words",
        "├─╮   “the spools are",
        "│ │   full” → c",
        "● │ b  a title of some",
        "│ │ words",
        "■◂╯ c  a title of some",
        "    words",
    ]


def test_what_is_not_said_to_be_walked_or_not_is_drawn_through_without_marks() -> None:
    ways = [way("a", "b", walked=None), way("a", "c", "failed", walked=None), way("b", "c", walked=None)]
    stops = [Stop(step=step, end=step == "c") for step in "abc"]
    lines = list(text_graph(stops, ways, 80))
    assert [text(line) for line in lines] == ["●   a", "├─╮   failed → c", "● │ b", "■◂╯ c"]
    assert {tone for line in lines for piece, tone in line if piece.strip()} == {Tone.PLAIN}


def test_a_step_that_nobody_came_to_is_said_so_by_its_sign_and_its_tone() -> None:
    stops = [Stop(step="a", end=False, walked=False), Stop(step="b", end=True, walked=False)]
    lines = list(text_graph(stops, [way("a", "b", walked=False)], 40))
    assert [text(line) for line in lines] == ["○ a", "┆   ○ passed → b  :7", "□ b"]
    assert {tone for line in lines for piece, tone in line if piece.strip()} == {Tone.UNWALKED}


@given(TRACKS, COLUMNS)
def test_no_line_ends_in_the_air_and_none_is_wider_than_the_terminal(
    ways: list[tuple[str, str, str, bool]], columns: int
) -> None:
    lines = [text(line) for line in text_graph(STOPS, tracks_of(ways), columns)]
    assert max(map(len, lines)) <= columns
    # The first cell has the steps' signs; a lane is in each second cell beside it, as far as the words.
    cells = [[piece for piece, _ in line[:-1]] for line in text_graph(STOPS, tracks_of(ways), columns)]
    for above, below in pairwise([[" "] * len(cells[0]), *cells, [" "] * len(cells[0])]):
        ends = [(upper in DOWN, lower in UP) for upper, lower in zip(above[2::2], below[2::2], strict=True)]
        assert [upper for upper, _ in ends] == [lower for _, lower in ends], lines


@given(TRACKS)
def test_every_way_that_nobody_walked_is_told_in_words_and_every_step_has_its_row(
    ways: list[tuple[str, str, str, bool]],
) -> None:
    lines = [text(line) for line in text_graph(STOPS, tracks_of(ways), 80)]
    told = [line.partition("○ ")[2] for line in lines if "  ○ " in line]
    assert sorted(told) == sorted(f"{via} → {target}  :7" for _, target, via, walked in ways if not walked)
    assert [line.split()[-1] for line in lines if " → " not in line] == STEPS


@given(TRACKS)
def test_a_piece_of_a_lane_is_drawn_through_only_where_somebody_walked(ways: list[tuple[str, str, str, bool]]) -> None:
    nobody = [(*track[:3], False) for track in ways]
    pieces = [piece for line in text_graph(STOPS, tracks_of(nobody), 80) for piece in line[:-1]]
    assert {tone for text, tone in pieces if text.strip(" ●■○□")} <= {Tone.UNWALKED}
    assert not {text for text, _ in pieces} & {"│", "─"}
