"""Document 004's model 2 in librosa, scikit-learn and plain torch, to judge `experiments=digits_mel` by.

    python tests/bench/port_digits_mel.py DIR 8       # eight seeds, the files in the order of their names
    python tests/bench/port_digits_mel.py DIR 8 -o    # eight seeds, each with an order of files of its own

It shares Keras's initial weights with asrx and nothing else. DIR holds the wav files of the four speakers. The order of
files, which decides the split, is not known of the document. A line for each run: seed, epochs, losses and accuracy at
the last epoch, then mean and standard deviation. About 45 s a run on one core.
"""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import mean, stdev

import librosa
import numpy as np
import torch
from sklearn.model_selection import train_test_split
from sklearn.utils import shuffle
from torch import nn
from torch.nn import functional

from asrx.models.keras import initialise

RATE, SAMPLES = 22050, 17640
SPEAKERS = ("jackson", "nicolas", "theo", "yweweler")


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.hidden, self.head = nn.LSTM(35, 256, batch_first=True), nn.Linear(64, 256), nn.Linear(256, 10)
        initialise(self, {"hidden": "he_normal", "head": "glorot_normal"})

    def forward(self, mel_BFT: torch.Tensor) -> torch.Tensor:
        return self.head(self.hidden(self.lstm(mel_BFT)[0].mean(2)).relu())


def spectrogram(path: Path) -> np.ndarray:
    """(64 mels, 35 frames) in decibels below the clip's highest."""
    wave, _ = librosa.load(path, sr=RATE)
    wave = librosa.util.fix_length(wave, size=SAMPLES)
    return librosa.power_to_db(librosa.feature.melspectrogram(y=wave, sr=RATE, n_mels=64), ref=np.max)


def run(x: torch.Tensor, y: torch.Tensor, order: np.ndarray, seed: int) -> tuple[int, float, float, float]:
    """Epochs, training loss, validation loss and accuracy when early stopping ended it."""
    order = shuffle(order, random_state=33)
    train, held_out = train_test_split(order, test_size=0.3, random_state=45, stratify=y[order])
    torch.manual_seed(seed)
    model = Model()
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=5e-4, eps=1e-7)
    lowest, waited, epoch = float("inf"), 0, 0
    while epoch < 15 and waited < 2:
        epoch, total = epoch + 1, 0.0
        for batch in torch.randperm(len(train)).split(16):
            index = train[batch.numpy()]
            loss = functional.cross_entropy(model(x[index]), y[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(index)
        with torch.no_grad():
            logits = model(x[held_out])
            held_out_loss = functional.cross_entropy(logits, y[held_out]).item()
            accuracy = (logits.argmax(1) == y[held_out]).float().mean().item()
        lowest, waited = (held_out_loss, 0) if held_out_loss < lowest - 0.05 else (lowest, waited + 1)
    return epoch, total / len(train), held_out_loss, accuracy


def main() -> None:
    folder, seeds, own_orders = Path(sys.argv[1]), int(sys.argv[2]), "-o" in sys.argv
    torch.set_num_threads(1)
    files = sorted(path for path in folder.rglob("*.wav") if path.stem.split("_")[1] in SPEAKERS)
    x = torch.tensor(np.stack([spectrogram(path) for path in files]))
    y = torch.tensor([int(path.stem[0]) for path in files])
    accuracies = []
    for seed in range(seeds):
        order = np.random.RandomState(seed).permutation(len(files)) if own_orders else np.arange(len(files))
        epochs, train_loss, held_out_loss, accuracy = run(x, y, order, seed)
        accuracies.append(accuracy)
        print(f"seed {seed}: {epochs} epochs, loss {train_loss:.4f} and {held_out_loss:.4f}, accuracy {accuracy:.4f}")
    print(f"{seeds} runs: {mean(accuracies):.4f} ± {stdev(accuracies):.4f}")


if __name__ == "__main__":
    main()
