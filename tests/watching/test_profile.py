from __future__ import annotations

import json

import numpy as np
import pytest

from asrx.types import UserError
from asrx.watching.profile import PROFILE, profile_of, read_profile, write_profile
from asrx.watching.quantities import QUANTITIES


@pytest.fixture
def written(tmp_path):
    rows = [np.arange(len(QUANTITIES)) + 0.25, -np.arange(len(QUANTITIES))]
    write_profile(tmp_path, profile_of(["a", "b\n\u2028"], ["é", None], rows))
    return tmp_path


def test_what_is_written_is_read(written):
    profile = read_profile(written)
    assert (profile.names, profile.speakers, profile.by_speaker) == (["a", "b\n\u2028"], ["é", None], False)
    assert profile.values_NQ[0].tolist() == (np.arange(len(QUANTITIES)) + 0.25).tolist()
    assert [path.name for path in written.iterdir()] == [PROFILE]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("{", r"profile.jsonl:2 cannot be read"),
        ("[]", r"profile.jsonl:2 cannot be read"),
        ('{"id": "a"}', r"profile.jsonl:2 cannot be read"),
        ('{"level": "loud"}', r"profile.jsonl:2 cannot be read"),
        ('{"level": NaN}', r"holds no finite numbers"),
    ],
)
def test_a_damaged_one_is_named(written, line, sentence):
    path = written / PROFILE
    first = path.read_text().split("\n")[0]
    if "level" in line:
        line = json.dumps(json.loads(first) | json.loads(line))
    path.write_text(f"{first}\n{line}\n")
    with pytest.raises(UserError, match=sentence):
        read_profile(written)
    path.write_text("")
    with pytest.raises(UserError, match="no finite numbers"):
        read_profile(written)
