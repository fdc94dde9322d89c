from __future__ import annotations

import pytest

from asrx.language import arpa
from asrx.language.kneser_ney import train
from asrx.types import UserError


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "a.arpa"
    with path.open("w") as file:
        arpa.write(train([["a", "b"], ["b"]], 2), file)
    return path


def test_the_words_are_read_back(written):
    assert arpa.read_header(written) == ([5, 4], {"a", "b"})


@pytest.mark.parametrize("lines", range(1, 17))
def test_a_file_that_is_cut_off_is_refused(written, lines):
    whole = written.read_text().splitlines(keepends=True)
    assert len(whole) == 18
    written.write_text("".join(whole[:lines]))
    with pytest.raises(UserError, match=r"a\.arpa is cut off: it promises"):
        arpa.read_header(written)


@pytest.mark.parametrize("line", [6, 12])
def test_a_file_that_lacks_a_line_is_refused(written, line):
    whole = written.read_text().splitlines(keepends=True)
    assert "\t" in whole[line]
    written.write_text("".join(whole[:line] + whole[line + 1 :]))
    with pytest.raises(UserError, match=r"it promises 5 and 4 n-grams and has \d and \d: make it anew"):
        arpa.read_header(written)


def test_what_is_none_is_refused(tmp_path, written):
    for content, why in ((b"once upon a time\n", r"1 is not \\data\\"), (b"\xff\xfe", "UTF-8"), (b"", "is cut off")):
        (tmp_path / "b.arpa").write_bytes(content)
        with pytest.raises(UserError, match=why):
            arpa.read_header(tmp_path / "b.arpa")
    written.write_text(written.read_text().replace("\ta", " a"))
    with pytest.raises(UserError, match="has no tab after the probability"):
        arpa.read_header(written)
    with pytest.raises(UserError, match=r"none\.arpa cannot be read \(No such file"):
        arpa.read_header(tmp_path / "none.arpa")
