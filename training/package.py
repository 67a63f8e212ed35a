"""Turn a checkpoint into what the gateway ships: the weights made small, with a name, a licence and checksums."""

import argparse
import hashlib
import shutil
from pathlib import Path

import numpy as np
from spacy.language import Language

from gateway.names.network import TAGS, Weights
from gateway.names.tagger import Names, pipeline

LIMIT_BYTES = 30_000_000
CARD, SUMS = "MODEL_CARD.md", "SHA256SUMS"
ABOUT = {
    "name": "onward_names",
    "description": "Names of people, places and organizations in 26 European languages",
    "author": "The Onward developers",
    "license": "CC-BY-SA-4.0",
}


def small(checkpoint: Path, temperature: float, eagerness: float = 0.0) -> Weights:
    """A checkpoint's weights, each line of the table in steps of its own: 127 up to its largest number.

    `eagerness` is taken from the logit of being outside of any name.
    """
    with np.load(checkpoint) as file:
        arrays = {name: file[name] for name in file.files}
    table = arrays.pop("table")
    arrays["tag_bias"][TAGS.index("O")] -= eagerness
    scales = np.maximum(np.abs(table).max(axis=1) / 127, 1e-7).astype(np.float32)
    steps = np.rint(table / scales[:, None]).astype(np.int8)
    return Weights(table=steps, scales=scales, temperature=np.array(temperature, np.float32), **arrays)


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
    arguments.add_argument("checkpoint", type=Path, help="NAME.npz, as training.train leaves it")
    arguments.add_argument("--version", required=True, help="for example 0.1.0")
    arguments.add_argument("--out", type=Path, default=Path("gateway/models/names-xx"))
    arguments.add_argument("--temperature", type=float, default=1.0, help="as training.evaluate fits it")
    arguments.add_argument(
        "--eagerness", type=float, default=0.0, help="more finds more people, and more that are none"
    )
    chosen = arguments.parse_args()
    weights = small(chosen.checkpoint, chosen.temperature, chosen.eagerness)
    size = package(weights, chosen.version, chosen.out)
    print(f"{chosen.out}: {size:,} bytes")
    if size > LIMIT_BYTES:
        raise SystemExit(f"The model takes more than {LIMIT_BYTES:,} bytes: lower the rows in features.py.")


if __name__ == "__main__":
    main()
