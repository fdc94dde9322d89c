"""Any manifest is read, or answered in a sentence that names it.

Some cases here; the whole by `ASRX_FUZZ=1000 python -m pytest -n 0 tests/data/test_manifest_fuzz.py`.
"""

from __future__ import annotations

import csv
import io
import json

from fuzz import cases
from hypothesis import given
from hypothesis import strategies as st

from asrx.data.corpora.manifest import Manifest
from asrx.data.names import readable
from asrx.types import UserError

FIELDS = ["audio_filepath", "text", "duration", "offset", "speaker"]
texts = st.text(max_size=8) | st.sampled_from(
    ["a.wav", "yes", "1.5", "-1", "nan", "1e400", "", "\ud800", "a\0b", "e\u0301"]
)
plain = texts | st.integers() | st.floats() | st.booleans() | st.none()
values = st.recursive(plain, lambda x: st.lists(x, max_size=2) | st.dictionaries(texts, x, max_size=2), max_leaves=4)
names = st.sampled_from(FIELDS) | texts
rows = st.fixed_dictionaries({"audio_filepath": texts, "text": texts}) | st.dictionaries(names, values, max_size=6)


@st.composite
def lines(draw) -> str:
    written = [json.dumps(row, ensure_ascii=draw(st.booleans())) for row in draw(st.lists(rows, max_size=4))]
    return draw(st.sampled_from(["\n", "\r\n", "\n\n", "\r", "\u2028"])).join(written) + draw(
        st.sampled_from(["", "\n"])
    )


@st.composite
def tables(draw) -> str:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=draw(st.sampled_from(",;\t|")), quoting=draw(st.sampled_from([0, 1])))
    head = (
        draw(st.permutations(FIELDS))[: draw(st.integers(2, 5))] if draw(st.integers(0, 3)) else draw(st.lists(names))
    )
    for cells in [head, *draw(st.lists(st.lists(texts, min_size=len(head), max_size=len(head) + 1), max_size=4))]:
        writer.writerow(cells)
    return file.getvalue()


@st.composite
def mutated(draw) -> bytes:
    content = bytearray(draw(lines() | tables()).encode("utf-8", "surrogatepass"))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(content)))
        content[at : at + draw(st.integers(0, 3))] = draw(
            st.binary(max_size=3) | st.sampled_from([b'"', b"\xff", b"\xef\xbb\xbf"])
        )
    return bytes(content)


@cases(200)
@given(mutated(), st.sampled_from(["jsonl", "json", "csv", "tsv"]), st.dictionaries(names, texts, max_size=2))
def test_any_manifest_is_read_or_answered(tmp_path_factory, content, suffix, columns):
    path = tmp_path_factory.getbasetemp() / f"manifest.{suffix}"
    path.write_bytes(content)
    try:
        utterances = readable(Manifest([str(path), str(path)], columns=columns).prepare())
    except UserError as error:
        sentence = str(error)
        assert "\n" not in sentence and "\r" not in sentence
        assert str(path) in sentence or "dataset.columns" in sentence or "of an utterance is not UTF-8" in sentence
        return
    assert len(utterances) == len({u.id for u in utterances}) > 0
    for u in utterances:
        json.dumps(vars(u), ensure_ascii=False).encode()
        assert u.audio != str(path.parent) and u.offset >= 0 and (u.duration is None or u.duration > 0)
