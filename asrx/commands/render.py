"""The command `python -m asrx render FOLDER dataset=...`: a sound corpus as spectrogram images, for `dataset=images`.

    python -m asrx render FOLDER dataset=speech_commands dataset.root=DIR

takes the overrides of `python -m asrx`, of which those of the data set count, and writes an image of each recording,
FOLDER/{train,val,test}/CLASS/NAME.png, in the parts that the split protocol gives. FOLDER must be new or empty.

An image is one second (recordings are cut at the end, or continued with silence): 98 frames of 25 ms, every 10 ms, as
rows, and 50 mel bands as columns, low to high. White (255) is the level of a full-scale sine, and black (0) is 100 dB
or more below it, in every image alike.
"""

from __future__ import annotations

import shlex
import shutil
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from asrx.commands.answer import answered
from asrx.types import SPLITS, Corpus, Split, UserError, Utterance

if TYPE_CHECKING:
    import numpy as np
    from omegaconf import DictConfig

    from asrx.data.store import Store

FRAMES, BANDS = 98, 50
WINDOW, HOP = 0.025, 0.010  # s
F_MIN = 20.0  # Hz
# dB. A fixed range, as one stretched over each image, or over the corpus, would make silence bright, or depend on the
# loudest clip of the test part. Of Speech Commands' values 5 % lie below it and hardly any above.
RANGE = 100.0
BATCH = 256  # recordings


def main() -> None:
    """Entry point; errors are answered as `python -m asrx` does."""
    arguments = sys.argv[1:]
    if not arguments or {"-h", "--help"} & set(arguments):
        print(__doc__)
        return
    folder, *overrides = arguments
    with answered(overrides):
        if "=" in folder:
            raise UserError(f"The folder to make comes first: python -m asrx render FOLDER {' '.join(arguments)}.")
        print(render(Path(folder), overrides))


def render(folder: Path, overrides: list[str]) -> str:
    """Write the images of a corpus.

    Args:
        folder: to make; it appears once all of its images are there.
        overrides: of the config, as on the command line.

    Returns:
        What was written and the command that trains on it, in a line.

    Raises:
        UserError: the config or the corpus cannot be used, `folder` holds something, or it cannot be written.
    """
    from asrx.config.check import checked

    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise UserError(f"{folder} holds something already: name a new folder, or take this one away.")
    cfg = checked(overrides)
    utterances, store = _recordings(cfg)
    # by place in the store
    files = _files({i: u for i, u in enumerate(utterances) if i not in store.errors})
    work = folder.with_name(f"{folder.name}.partial")
    try:
        shutil.rmtree(work, ignore_errors=True)  # of a rendering that was interrupted
        _write({i: work / file for i, file in files.items()}, store)
        work.rename(folder)
    except OSError as error:
        raise UserError(f"{folder} cannot be written ({error.strerror or error}): name another folder.") from error
    counts = Counter(file.parts[0] for file in files.values())
    parts = ", ".join(f"{split} {counts[split]:,}" for split in SPLITS)
    root = shlex.quote(f"dataset.root={folder}")
    return (
        f"{len(files):,} images ({parts}) are in {folder}; "
        f"train on them: python -m asrx dataset=images {root} features=image model=cnn"
    )


def _recordings(cfg: DictConfig) -> tuple[list[Utterance], Store]:
    """The recordings of the corpus, split, and their waveforms."""
    from asrx.config.build import build
    from asrx.data.audio import Audio
    from asrx.data.names import readable
    from asrx.data.store import build as build_store

    utterances = build(cfg.dataset.split, Split).assign(readable(build(cfg.dataset.corpus, Corpus).prepare()))
    if 2 * len({u.text for u in utterances}) > len(utterances) > 20:
        raise UserError(f"Images are for labels, and this corpus has sentences, such as {utterances[0].text!r}.")
    store = build_store(utterances, Audio(cfg.dataset.sample_rate), Path(cfg.data_dir).expanduser())
    if store.errors and cfg.dataset.on_bad != "skip":
        first = min(store.errors)
        raise UserError(
            f"{len(store.errors)} of {len(utterances)} recordings cannot be used (first {utterances[first].audio}: "
            f"{store.errors[first]}): mend them, or leave them out with dataset.on_bad=skip."
        )
    return utterances, store


def _files(utterances: dict[int, Utterance]) -> dict[int, Path]:
    """PART/CLASS/NAME.png of each utterance; NAME is that of the recording, with the speaker before it if not in it."""
    files: dict[int, Path] = {}
    taken: dict[Path, str] = {}
    for i, u in utterances.items():
        if not u.text or u.text.startswith(".") or "/" in u.text:
            raise UserError(f"{u.id}: its text {u.text!r} cannot name a folder of images: render a corpus of labels.")
        stem = Path(u.id).stem
        name = stem if (u.speaker or "") in stem else f"{u.speaker}_{stem}"
        file = Path(u.split, u.text, f"{name.replace('/', '_')}.png")
        if file in taken:
            raise UserError(f"{taken[file]} and {u.id} would both become {file}: rename one of the recordings.")
        taken[file] = u.id
        files[i] = file
    return files


def _write(files: dict[int, Path], store: Store) -> None:
    """Render the utterances at these places of the store."""
    import numpy as np
    from PIL import Image
    from tqdm import tqdm

    for folder in {file.parent for file in files.values()}:
        folder.mkdir(parents=True)
    places = np.array(list(files))
    with tqdm(desc="Rendering", unit="image", total=len(files)) as bar:
        for start in range(0, len(files), BATCH):
            batch = places[start : start + BATCH]
            for place, pixels in zip(batch.tolist(), pictures(store.gather(batch)[0], store.sample_rate), strict=True):
                Image.fromarray(pixels).save(files[place])
            bar.update(len(batch))


def pictures(wave_BT: np.ndarray, sample_rate: int) -> np.ndarray:
    """Waveforms in [-1, 1], (B, T samples), to grey values, uint8 (B, FRAMES, BANDS); see the top of this file.

    98 frames of 50 bands are those of speechImageData.zip (https://github.com/andrsn/data), whose own recipe is not
    published; they fit 25 ms windows every 10 ms in one second at 16 kHz, floor((16000 - 400) / 160) + 1 = 98.
    """
    import torch
    from torch.nn.functional import pad
    from torchaudio.transforms import MelSpectrogram

    from asrx.features.base import power_of_two, samples

    width, hop = samples(WINDOW, sample_rate), samples(HOP, sample_rate)
    n_fft = power_of_two(width)
    mel = MelSpectrogram(sample_rate, n_fft, width, hop, f_min=F_MIN, n_mels=BANDS, center=False)
    # The transform reads n_fft samples a frame, and its window is the middle ones. A negative padding cuts.
    before, length = (n_fft - width) // 2, n_fft + (FRAMES - 1) * hop
    energy_BFT = mel(pad(torch.from_numpy(wave_BT), (before, length - before - wave_BT.shape[1])))
    full_scale = (mel.spectrogram.window.sum() / 2) ** 2  # energy of a sine of amplitude 1
    level_BFT = 10 * (energy_BFT / full_scale).log10()  # -inf for silence
    return (255 * (1 + level_BFT / RANGE)).round().clamp(0, 255).transpose(1, 2).to(torch.uint8).numpy()
