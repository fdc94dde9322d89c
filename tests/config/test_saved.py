"""The config of a run, as its folder or its checkpoint keeps it."""

from __future__ import annotations

import pytest
from omegaconf import OmegaConf

from asrx.config.compose import compose
from asrx.config.saved import completed, config_of, literal, own_overrides, read_config
from asrx.report.files import write_config
from asrx.types import UserError

TEXTS = [
    "${oc.env:ASRX_SECRET}",
    "a${b}",
    "${b",
    r"a\${b}",
    "a\\\\${b}\\",
    "größe, {x}: 'y' \"z\"",
    "x" * 300,
    "1e-3",
    "yes",
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_stands_for_itself(text):
    cfg = literal({"a": [text, {"b": text}]})
    assert cfg.a[0] == cfg.a[1].b == text
    assert completed(literal({"published": text})).published == text


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_read_as_it_was_written(text, tmp_path, monkeypatch):
    monkeypatch.setenv("ASRX_SECRET", "secret")
    cfg = compose([])
    cfg = OmegaConf.merge(cfg, literal({"published": text}))
    write_config(tmp_path, cfg, ["seed=3", f"published={text}"])
    assert read_config(tmp_path).published == config_of(tmp_path, []).published == text
    assert own_overrides(tmp_path) == ["seed=3", f"published={text}"]


def test_a_config_that_is_cut_off_is_refused(tmp_path):
    write_config(tmp_path, compose([]), [])
    path = tmp_path / "config.yaml"
    whole = path.read_text().splitlines(keepends=True)
    assert read_config(tmp_path)
    for lines in range(len(whole)):
        path.write_text("".join(whole[:lines]) + whole[lines][: len(whole[lines]) // 2])
        with pytest.raises(UserError, match=r"config\.yaml (cannot be read|is empty or cut off)"):
            read_config(tmp_path)


@pytest.mark.parametrize(
    "text", ["seed: ${oc.env:ASRX_SECRET}", r"a: {b: [1, 'x\\${c}']}", "a: [1", "3", "- 1", "a: ${b"]
)
def test_what_no_run_has_written_is_refused(text, tmp_path, monkeypatch):
    monkeypatch.setenv("ASRX_SECRET", "secret")
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(UserError, match=r"config.yaml (cannot be read|is no config of a run)") as told:
        config_of(tmp_path, [])
    assert "secret" not in str(told.value)


def test_overrides_that_cannot_be_read_are_named(tmp_path):
    (tmp_path / "overrides.yaml").write_bytes(b"- a: \xff")
    with pytest.raises(UserError, match=r"overrides.yaml cannot be read"):
        own_overrides(tmp_path)
