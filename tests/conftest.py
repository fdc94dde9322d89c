from __future__ import annotations

import os
from pathlib import Path

import pytest

REPO = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real recordings, which do not ship with asrx."""
    folder = Path(os.environ.get("ASRX_TEST_DATA", REPO.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"the real recordings are not at {folder}; ASRX_TEST_DATA=FOLDER says where they are")
    return folder
