"""Places beside `resume=` are texts, though the data set that has them is the run's and not composed."""

import pytest

from asrx.config.compose import spelled


@pytest.mark.parametrize("key", ["dataset.root", "dataset.train", "dataset.val", "dataset.test", "augment.folder"])
def test_a_place_beside_resume_is_quoted_whatever_its_letters(key):
    assert spelled(["resume=r", f"{key}=d/é moved"]) == ["resume=r", f"{key}='d/é moved'"]
