"""Train the model for some minutes, from the checkpoint if there is one, and leave a checkpoint behind.

The learning rate stays high and falls to nothing over the last part of a run (`--fall`), so that a run can be gone on
from: keep a copy of a checkpoint that never fell, and let the copy fall to ship it.
"""

import argparse
import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - as everybody calls it

from training.arrays import KINDS, SWAPPED, TAGS, UNTAGGED, Group, Words, read
from training.noise import SHARES

VECTOR = 128  # numbers of a row of the table
WIDTH = 160  # numbers of a word from there on
PIECES = 2  # of maxout
STRIDES = (1, 1, 2, 4, 1)  # how far each layer looks to both sides
RATE, TABLE_RATE = 0.002, 0.004
WARM_UP_STEPS = 200
BATCH_WORDS = 4_000
DROPOUT = 0.35
FORMLESS = 0.5  # share of words shown without their forms, as if never seen
JOINED = 0.25  # share of texts that go on in the next one
KIND_WEIGHT = 0.3  # of parts of speech in the loss
TEMPERATURE = 0.5  # a group is drawn as often as its size to this power
SAVE_EVERY_S = 240


class Network(nn.Module):
    """Everything after the table: mixing a word's three bags, looking around, and tagging."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(3 * VECTOR, WIDTH * PIECES)
        self.mix_norm = nn.LayerNorm(WIDTH)
        self.look = nn.ModuleList(nn.Linear(3 * WIDTH, WIDTH * PIECES) for _ in STRIDES)
        self.look_norm = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in STRIDES)
        self.tag = nn.Linear(WIDTH, len(TAGS))
        self.kind = nn.Linear(WIDTH, len(KINDS))

    def words(self, bags: Tensor) -> Tensor:
        """Vectors of single words."""
        with torch.autocast("cpu", torch.bfloat16):
            mixed = self.mix(bags)
        return _dropped(self.mix_norm(_maxout(mixed).float()), self.training)

    def forward(self, vectors: Tensor, text_of: Tensor) -> Tensor:
        """Vectors of words in their texts; `text_of` is the number of each word's text."""
        for stride, look, norm in zip(STRIDES, self.look, self.look_norm, strict=True):
            same = (text_of[stride:] == text_of[:-stride]).unsqueeze(1)
            before = F.pad(vectors[:-stride] * same, (0, 0, stride, 0))
            after = F.pad(vectors[stride:] * same, (0, 0, 0, stride))
            with torch.autocast("cpu", torch.bfloat16):
                seen = look(torch.cat((before, vectors, after), 1))
            vectors = vectors + _dropped(norm(_maxout(seen).float()), self.training)
        return vectors


def _dropped(vectors: Tensor, training: bool) -> Tensor:
    """Dropout with cheap luck: bytes rather than torch's slow draws of single bits."""
    if not training:
        return vectors
    kept = torch.randint(0, 256, vectors.shape, dtype=torch.uint8) >= round(256 * DROPOUT)
    return vectors * kept / (1 - DROPOUT)


def _maxout(values: Tensor) -> Tensor:
    return values.view(len(values), PIECES, -1).amax(1)


class Table:
    """The table of vectors, and an optimizer that touches only rows a batch has used."""

    def __init__(self, size: int) -> None:
        self.rows = torch.randn(size, VECTOR) * 0.5
        self.mean = torch.zeros(size, VECTOR)
        self.square = torch.zeros(size)

    def step(self, used: Tensor, slope: Tensor, rate: float) -> None:
        """Adam with one second moment a row, for the rows used."""
        square = self.square[used].mul_(0.99).add_(slope.square().mean(1), alpha=0.01)
        mean = self.mean[used].mul_(0.9).add_(slope, alpha=0.1)
        self.square[used], self.mean[used] = square, mean
        self.rows[used] -= rate * mean / (square.sqrt().unsqueeze(1) + 1e-8)


@dataclass(frozen=True, slots=True)
class Batch:
    """Some texts, one after the other."""

    words: NDArray[np.int32]
    tags: NDArray[np.int64]  # UNTAGGED where only the kind is known
    kinds: NDArray[np.int64]
    text_of: NDArray[np.int64]


class Texts:
    """Draws batches from the groups, large groups less often than their size would have it."""

    def __init__(self, words: Words, groups: list[Group], seed: int) -> None:
        self._chance = np.random.default_rng(seed)
        self._groups, self._changed = groups, words.changed
        self._orders = [self._chance.permutation(len(one)) for one in groups]
        self._next = [0] * len(groups)
        # Of a text's length nothing is known before it is drawn: what counts is a group's words.
        shares = np.array([len(one.words) ** TEMPERATURE * weight(one) / mean_length(one) for one in groups])
        self._shares = shares / shares.sum()

    def _draw(self, at: int) -> slice:
        if self._next[at] == len(self._orders[at]):
            self._orders[at], self._next[at] = self._chance.permutation(len(self._groups[at])), 0
        place = self._orders[at][self._next[at]]
        self._next[at] += 1
        starts = self._groups[at].starts
        return slice(starts[place], starts[place + 1])

    def batches(self) -> Iterator[Batch]:
        """Batches without end."""
        while True:
            words, tags, kinds, numbers = [], [], [], []
            count = number = 0
            for at in self._chance.choice(len(self._groups), BATCH_WORDS, p=self._shares):
                one = self._groups[at]
                where = self._draw(at)
                its_words, its_tags = one.words[where], one.tags[where].astype(np.int64)
                luck = self._chance.random()
                for share, changed in zip(SHARES, self._changed, strict=True):
                    if 0 <= luck < share:
                        its_words = changed[its_words]
                    luck -= share
                unknown = np.full(len(its_words), UNTAGGED)
                words.append(its_words)
                tags.append(its_tags if one.teaches_names else unknown)
                kinds.append(unknown if one.teaches_names else its_tags)
                number += self._chance.random() >= JOINED
                numbers.append(np.full(len(its_words), number))
                count += len(its_words)
                if count >= BATCH_WORDS:
                    break
            yield Batch(*(np.concatenate(parts) for parts in (words, tags, kinds, numbers)))


def weight(one: Group) -> float:
    """How often a group is drawn beside others of its size: invented texts less often than people's own."""
    return 1.0 if one.teaches_names and "/" in one.name and SWAPPED not in one.name else 0.5


def mean_length(one: Group) -> float:
    """Words of a text, on average."""
    return len(one.words) / max(1, len(one))


class Trainer:
    """The model in training, and all that must be kept to go on."""

    def __init__(self, words: Words, seed: int) -> None:
        torch.manual_seed(seed)
        self.network, self.table = Network(), Table(int(words.table_size))
        self.optimizer = torch.optim.AdamW(self.network.parameters(), lr=RATE, weight_decay=0.01, fused=True)
        self.steps = self.seen = 0
        self._words = words
        self._counts = np.diff(words.piece_starts)

    def bags(self, words: NDArray[np.int32]) -> tuple[Tensor, Tensor]:
        """The rows that words use, each once, as something to learn; and the sums of the words' three bags of them."""
        counts, starts = self._counts[words], self._words.piece_starts[words]
        ends = np.cumsum(counts)
        places = np.arange(ends[-1]) + np.repeat(starts - ends + counts, counts)
        features = (self._words.forms[words], self._words.edges[words], self._words.pieces[places])
        used, at = torch.unique(
            torch.from_numpy(np.concatenate([one.ravel() for one in features])), return_inverse=True
        )
        rows = self.table.rows[used].requires_grad_()
        self._used, self._rows = used, rows
        first, second = features[0].size, features[0].size + features[1].size
        sums = [
            F.embedding_bag(at[:first].view(len(words), -1), rows, mode="sum")
            / math.sqrt(features[0].shape[1]),
            F.embedding_bag(at[first:second].view(len(words), -1), rows, mode="sum")
            / math.sqrt(features[1].shape[1]),
            F.embedding_bag(at[second:], rows, torch.from_numpy(ends - counts), mode="sum")
            / torch.from_numpy(np.sqrt(counts)).float().unsqueeze(1),
        ]
        if self.network.training:
            sums[0] = sums[0] * (torch.rand(len(words), 1) >= FORMLESS)
        return torch.cat(sums, 1)

    def tag(self, batch: Batch) -> Tensor:
        """Vectors of the words in their texts."""
        unique, at = np.unique(batch.words, return_inverse=True)
        vectors = self.network.words(self.bags(unique))
        return self.network(vectors[torch.from_numpy(at)], torch.from_numpy(batch.text_of))

    def step(self, batch: Batch, share: float) -> tuple[float, float]:
        """Learn from a batch at a share of the full rate; the losses of names and kinds."""
        vectors = self.tag(batch)
        tags, kinds = torch.from_numpy(batch.tags), torch.from_numpy(batch.kinds)
        named, known = tags != UNTAGGED, kinds != UNTAGGED
        of_tags = F.cross_entropy(self.network.tag(vectors[named]), tags[named])
        of_kinds = (
            F.cross_entropy(self.network.kind(vectors[known]), kinds[known])
            if known.any()
            else torch.zeros(())
        )
        (of_tags + KIND_WEIGHT * of_kinds).backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        for group in self.optimizer.param_groups:
            group["lr"] = RATE * share
        self.optimizer.step()
        self.optimizer.zero_grad()
        with torch.no_grad():
            self.table.step(self._used, self._rows.grad, TABLE_RATE * share)
        self.steps += 1
        self.seen += len(batch.words)
        return of_tags.item(), of_kinds.item()

    def save(self, path: Path) -> None:
        """Write a checkpoint, whole or not at all."""
        state = {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "table": (self.table.rows, self.table.mean, self.table.square),
            "counts": (self.steps, self.seen),
        }
        part = path.with_suffix(".part")
        torch.save(state, part)
        part.replace(path)
        np.savez(path.with_suffix(".npz"), **self.weights())

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """What the gateway needs of the model, named as it names them."""
        network = self.network
        tensors = {
            "table": self.table.rows,
            "mix": network.mix.weight.T,
            "mix_bias": network.mix.bias,
            "mix_norm": torch.stack((network.mix_norm.weight, network.mix_norm.bias)),
            "look": torch.stack([one.weight.T for one in network.look]),
            "look_bias": torch.stack([one.bias for one in network.look]),
            "look_norm": torch.stack([torch.stack((one.weight, one.bias)) for one in network.look_norm]),
            "tag": network.tag.weight.T,
            "tag_bias": network.tag.bias,
        }
        return {name: tensor.detach().contiguous().numpy() for name, tensor in tensors.items()}

    def load(self, path: Path) -> None:
        """Go on from a checkpoint."""
        state = torch.load(path)
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.table.rows, self.table.mean, self.table.square = state["table"]
        self.steps, self.seen = state["counts"]


def train(trainer: Trainer, texts: Texts, minutes: float, fall: float, path: Path) -> None:
    """Train until the time is over, saving on the way."""
    begun = saved = time.monotonic()
    losses: list[tuple[float, float]] = []
    for step, batch in enumerate(texts.batches()):
        left = 1 - (time.monotonic() - begun) / (60 * minutes)
        share = min((step + 1) / WARM_UP_STEPS, left / fall if fall else 1.0, 1.0)
        if left > 0:
            losses.append(trainer.step(batch, share))
        if left <= 0 or time.monotonic() - saved > SAVE_EVERY_S:
            trainer.save(path)
            saved = time.monotonic()
        if left <= 0 or step % 100 == 0:
            names, kinds = np.mean(losses, axis=0) if losses else (0, 0)
            passed = time.monotonic() - begun
            report = {"steps": trainer.steps, "seconds": round(passed), "words": trainer.seen}
            print(
                json.dumps(report | {"names": round(float(names), 4), "kinds": round(float(kinds), 4)}),
                flush=True,
            )
            losses = []
        if left <= 0:
            return


def main() -> None:
    """Train on what `training.prepare` wrote."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("arrays", type=Path, help="file of texts")
    arguments.add_argument("--out", type=Path, required=True, help="checkpoint; gone on from if it exists")
    arguments.add_argument("--minutes", type=float, default=60)
    arguments.add_argument(
        "--fall", type=float, default=0.5, help="share of the run in which the rate falls to 0"
    )
    arguments.add_argument("--threads", type=int, default=1)
    arguments.add_argument("--seed", type=int, default=2026, help="of order, noise and first weights")
    chosen = arguments.parse_args()
    torch.set_num_threads(chosen.threads)
    words, groups = read(chosen.arrays)
    trainer = Trainer(words, chosen.seed)
    if chosen.out.exists():
        trainer.load(chosen.out)
    train(trainer, Texts(words, groups, chosen.seed + trainer.steps), chosen.minutes, chosen.fall, chosen.out)


if __name__ == "__main__":
    main()
