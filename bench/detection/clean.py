"""Text without personal data, taken from this machine at run time: nothing of it is kept.

Half of the origins are held out: rules are mended by what the other half shows to be falsely found.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from bench.detection.samples import Sample

Piece = tuple[str, str]
"""Origin and text."""
INVENTED = "invented"
PIECE = 1800
"""Characters of one sample: as much as a request's body often has, and little enough for slow tools."""
PERSONAL = re.compile(
    r"copyright|author|contributor|maintain|licen[cs]e|written by|thanks|credit|@|contact|reported by|patch by"
    r"|\(c\)|signed|inspired|based on|mailto|guido|by [A-Z][a-z]+ [A-Z][a-z]+|disclaim|warrant|liable"
    r"|translator|team:|^\s*\[ "
    r"|autor|auteur|traduc|tradut|trada|übersetz|tłumacz|översätt|oversæt|vertaal|vertaler|překla|prekla|käänt|fordít",
    re.IGNORECASE,
)
"""Lines that may name a real person are dropped, with those around them."""
AROUND = 4
"""So many lines before and after."""


def clean(seed: int, characters: int, packages: Path, data: Path | None) -> Iterator[Sample]:
    """So many characters in all, in equal parts of each kind.

    `packages` holds what is looked into besides this machine's own files, `data` the labelled corpora; a kind of which
    there is nothing is left out.
    """
    kinds: dict[str, Callable[[Random], Iterator[Piece]]] = {
        "source code": _python,
        "source code of libraries": _libraries,
        "a distribution's catalogue": _packages,
        "schemas and settings": _data_files,
        "schemas of services": lambda random: _services(random, packages),
        "lists of countries, languages, currencies": _lists,
        "documentation": _documents,
        "manuals in many languages": _manuals,
        "messages in many languages": lambda random: _messages(random, packages),
        "packages of npm": _npm,
        "news of companies and places": lambda random: _news(random, data),
        "logs": _logs,
        "telemetry": _telemetry,
        "catalogues": _catalogues,
    }
    for kind, texts in kinds.items():
        random = Random(f"{seed}:{kind}")
        left = characters // len(kinds)
        for place, (origin, text) in enumerate(texts(random)):
            yield Sample(f"clean-{kind}-{place}", "clean", text, (), "", kind, origin)
            left -= len(text)
            if left <= 0:
                break


def _python(random: Random) -> Iterator[Piece]:
    library = Path(sysconfig.get_path("stdlib"))
    paths = [
        one for one in sorted(library.rglob("*.py")) if not {"site-packages", "test", "tests"} & {*one.parts}
    ]
    yield from _pieces(random, paths)


def _libraries(random: Random) -> Iterator[Piece]:
    packages = Path(sysconfig.get_path("purelib"))
    paths = [
        one
        for one in sorted(packages.rglob("*.py"))
        if not {"test", "tests"} & {*one.parts}
        # Data about names, places and numbers in a program's clothes.
        and not re.search(
            r"faker|schwifty|phonenumbers|stdnum|spacy/lang|presidio|names|holidays|locale|pycountry",
            str(one),
        )
    ]
    yield from _pieces(random, paths)


def _packages(random: Random) -> Iterator[Piece]:
    """What a Debian system says of its packages; those who maintain them are left out."""
    yield from _pieces(random, [path for path in (Path("/var/lib/dpkg/status"),) if path.exists()], most=200)


def _data_files(random: Random) -> Iterator[Piece]:
    packages = Path(sysconfig.get_path("purelib"))
    paths = [
        one
        for ending in ("json", "yaml", "yml", "toml", "xsd", "proto")
        for one in sorted(packages.rglob(f"*.{ending}"))
        # Names, places, telephone plans, models and our own rules are data about something else than a program.
        if not re.search(
            r"faker|schwifty|phonenumbers|names|spacy|bank|locale|node_modules|dist-info|pycountry|example|prompt|pii|gateway",
            str(one),
        )
        and one.stat().st_size < 2_000_000
    ]
    yield from _pieces(random, paths)


def _lists(random: Random) -> Iterator[Piece]:
    """No person, but capital letters throughout: the hardest of clean text."""
    yield from _pieces(random, sorted(Path(sysconfig.get_path("purelib")).glob("pycountry/databases/*.json")))


def _documents(random: Random) -> Iterator[Piece]:
    folders = [Path("/usr/share/doc"), Path("/usr/share/perl"), Path(sysconfig.get_path("purelib"))]
    paths = [
        one
        for folder in folders
        for ending in ("txt", "md", "rst", "pod", "html", "README")
        for one in sorted(folder.rglob(f"*{ending}"))
        if not re.search(
            r"copyright|change|news|author|thanks|licen|credit|history|contrib|entry_points|top_level|RECORD",
            str(one),
            re.IGNORECASE,
        )
        and one.is_file()
        and one.stat().st_size < 1_000_000
    ]
    yield from _pieces(random, paths)


def _services(random: Random, packages: Path) -> Iterator[Piece]:
    """What services take and give, with what is said of it."""
    paths = [*packages.glob("botocore/data/**/service-2.json.gz"), *packages.glob("cfnlint/data/**/*.json")]
    yield from _pieces(random, sorted(paths), most=4, read=_indented)


def _indented(path: Path) -> str:
    return json.dumps(json.loads(_unpacked(path)), indent=1, ensure_ascii=False)


def _manuals(random: Random) -> Iterator[Piece]:
    folder = Path("/usr/share/man")
    paths = [*folder.glob("??/man?/*.gz"), *folder.glob("??_??/man?/*.gz"), *folder.glob("man[15678]/*.gz")]
    yield from _pieces(random, sorted(paths), most=3)


def _messages(random: Random, packages: Path) -> Iterator[Piece]:
    """What programs say in the languages of Europe."""
    langs = "bg cs da de el es et fi fr ga hr hu is it lt lv mt nb nl nn pl pt ro sk sl sv"
    paths = [path for lang in langs.split() for path in packages.glob(f"**/locale/{lang}/LC_MESSAGES/*.po")]
    yield from _pieces(random, sorted(paths), most=4)


def _npm(random: Random) -> Iterator[Piece]:
    folders = [Path("/usr/lib/node_modules"), Path("/usr/local/lib/node_modules"), Path("/usr/share/nodejs")]
    paths = [
        one
        for folder in folders
        for name in ("package.json", "*.md")
        for one in sorted(folder.rglob(name))
        if not re.search(r"licen|change|author|contrib", one.name, re.IGNORECASE)
    ]
    yield from _pieces(random, paths, most=4)


def _news(random: Random, data: Path | None) -> Iterator[Piece]:
    """Sentences that name organizations and no people, as the corpora that are measured against label them."""
    sentences: dict[str, list[str]] = {}
    for path in sorted(data.rglob("*.dev.jsonl.gz")) if data else []:
        for line in _unpacked(path).splitlines():
            row = json.loads(line)
            labels = {one["label"] for one in row["entities"]}
            # Scans of old newspapers name people whom nobody labelled, since no word of them can be read.
            if "ORGANIZATION" in labels and "PERSON" not in labels and "Europeana" not in row["source"]:
                sentences.setdefault(row["source"], []).append(row["text"])
    places = [(origin, at) for origin, texts in sentences.items() for at in range(0, len(texts), 12)]
    random.shuffle(places)
    for origin, at in places:
        yield origin, "\n".join(sentences[origin][at : at + 12])


def _unpacked(path: Path) -> str:
    """The text of a file. Raises OSError or ValueError where it is none."""
    return gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text("utf-8")


def _pieces(
    random: Random, paths: list[Path], most: int = 10, read: Callable[[Path], str] = _unpacked
) -> Iterator[Piece]:
    """Pieces of files, so many of one file at most, so that no file decides."""
    random.shuffle(paths)
    for path in paths:
        try:
            lines = read(path).splitlines(keepends=True)
        except (OSError, ValueError):
            continue
        lines = [line[:2000] for line in _impersonal(lines)]
        piece = ""
        pieces = 0
        for line in lines:
            piece += line
            if len(piece) >= PIECE:
                yield _origin(path), piece
                piece, pieces = "", pieces + 1
            if pieces == most:
                break
        else:
            if len(piece) > 200:
                yield _origin(path), piece


def _origin(path: Path) -> str:
    """Whose file it is: Python's, that of one of its packages, or that of one of the system's."""
    packages = Path(sysconfig.get_path("purelib"))
    if path.is_relative_to(packages):
        return path.relative_to(packages).parts[0]
    for folder in ("/usr/share/doc", "/usr/share/man"):
        if path.is_relative_to(folder):
            return f"Debian {path.relative_to(folder).parts[0]}"
    if "node_modules" in path.parts:
        return f"npm {path.parts[len(path.parts) - path.parts[::-1].index('node_modules')]}"
    if "botocore" in path.parts or "cfnlint" in path.parts:
        return path.parent.parent.name if "botocore" in path.parts else "cfnlint"
    if "locale" in path.parts:
        return f"messages {path.parts[path.parts.index('locale') + 1]}"
    return "Debian" if path.is_relative_to("/var/lib/dpkg") else "Python"


def _impersonal(lines: list[str]) -> list[str]:
    marked = {place for place, line in enumerate(lines) if PERSONAL.search(line)}
    near = {other for place in marked for other in range(place - AROUND, place + AROUND + 1)}
    return [line for place, line in enumerate(lines) if place not in near]


def _logs(random: Random) -> Iterator[Piece]:
    levels, units = (
        ["INFO", "WARN", "DEBUG", "ERROR"],
        ["api", "worker-3", "nginx", "kernel", "scheduler", "ingest"],
    )
    lines = [
        "{day}T{time}.{ms}Z {level} {unit} request_id={uuid} status={status} took={ms}ms bytes={n}",
        '10.{o}.{o}.{o} - - [{d}/Nov/2026:{time} +0000] "GET /v1/items/{n}?page={o} HTTP/1.1" {status} {n} "curl/8.5"',
        "Nov {d} {time} host-{o} {unit}[{n}]: connection from 192.168.{o}.{o} port {port} closed [preauth]",
        "{level}: {unit}: job {hex} finished in {n}.{ms} s, {o} retries, next at {epoch}",
        "E{n} {time}.{n}  {o} controller.go:{o}] reconcile failed: deployment web-{hex8}: exceeded quota cpu={o}",
        "{epoch}.{ms} TCP_MISS/{status} {n} CONNECT cdn.example.net:443 - HIER_DIRECT text/html",
        "[{n}.{n}] usb 1-{o}: new high-speed USB device number {o} using xhci_hcd",
        "{day} {time} Traceback: KeyError: 'order_{n}' at 0x7f{hex8}c{o}",
        "sha256:{hex}{hex} pulled layer {o}/14 size {n} digest {hex8}",
        "{level} OrderService Placed order {long} for 3 items total {n}.{o} EUR tracking {long}{o}",
    ]  # fmt: skip
    while True:
        text = ""
        while len(text) < PIECE:
            text += (
                _filled(random, random.choice(lines), level=random.choice(levels), unit=random.choice(units))
                + "\n"
            )
        yield INVENTED, text


def _telemetry(random: Random) -> Iterator[Piece]:
    names = [
        "cpu.load",
        "http.latency",
        "disk.free",
        "queue.depth",
        "temperature",
        "battery",
        "rssi",
        "heartRateZone",
    ]
    while True:
        events = [
            {
                "eventId": _filled(random, "{uuid}"),
                "ts": int(_filled(random, "{epoch}")),
                "metric": random.choice(names),
                "value": round(random.uniform(-50, 5000), random.randrange(5)),
                "host": _filled(random, "node-{o}.eu-west-1.internal"),
                "seq": random.randrange(10**9),
                "trace": _filled(random, "{hex}"),
                "build": _filled(random, "{o}.{o}.{n}+{hex8}"),
                "tags": {"region": "eu-central-1", "device": _filled(random, "{long}"), "ok": True},
            }
            for _ in range(6)
        ]
        yield INVENTED, json.dumps(events, indent=random.choice([None, 2]))


def _catalogues(random: Random) -> Iterator[Piece]:
    things = [
        "Steel hinge",
        "Desk lamp",
        "Kaffeemühle",
        "Lampe de bureau",
        "Tavolo pieghevole",
        "Skruvmejsel 6 mm",
    ]
    things += [
        "Wiertarka udarowa",
        "Taza de cerámica",
        "Tuinstoel",
        "Cordless drill 18V",
        "Papiertüte",
        "Chaise longue",
    ]
    things += [
        "Victoria cushion",
        "Billy shelf",
        "Apollo tent",
        "Florence table",
        "Ultra HD monitor",
        "Oslo armchair",
    ]
    while True:
        rows = ["sku;name;ean;price;stock;weight_g;colour;url"]
        while sum(map(len, rows)) < PIECE:
            rows.append(
                _filled(
                    random,
                    f"{{up}}-{{n}};{random.choice(things)};{_ean(random)};{{n}}.{{d}};{{o}};{{n}};RAL {{n4}};https://shop.example.com/p/{{n}}-{{hex8}}",
                )
            )
        yield INVENTED, "\n".join(rows) + "\n"


def _ean(random: Random) -> str:
    digits = "40" + "".join(random.choice("0123456789") for _ in range(10))
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return digits + str(-total % 10)


def _filled(random: Random, line: str, **given: str) -> str:
    parts: dict[str, Callable[[], str]] = {
        "{uuid}": lambda: "-".join(f"{random.getrandbits(4 * size):0{size}x}" for size in (8, 4, 4, 4, 12)),
        "{hex8}": lambda: f"{random.getrandbits(32):08x}",
        "{hex}": lambda: f"{random.getrandbits(128):032x}",
        "{epoch}": lambda: str(random.randrange(1_600_000_000_000, 1_900_000_000_000)),
        "{long}": lambda: str(random.randrange(10**8, 10**12)),
        "{day}": lambda: f"2026-{random.randrange(1, 13):02d}-{random.randrange(1, 29):02d}",
        "{time}": lambda: f"{random.randrange(24):02d}:{random.randrange(60):02d}:{random.randrange(60):02d}",
        "{ms}": lambda: f"{random.randrange(1000):03d}",
        "{status}": lambda: random.choice(["200", "204", "301", "404", "500"]),
        "{port}": lambda: str(random.randrange(1024, 65536)),
        "{n4}": lambda: str(random.randrange(1000, 9999)),
        "{n}": lambda: str(random.randrange(1, 100_000)),
        "{d}": lambda: f"{random.randrange(1, 29):02d}",
        "{o}": lambda: str(random.randrange(1, 255)),
        "{up}": lambda: "".join(random.choice("ABCDEFGHKLMNPRSTUVWXYZ") for _ in range(3)),
        **{f"{{{name}}}": (lambda value=value: value) for name, value in given.items()},
    }
    return re.sub(r"\{\w+\}", lambda match: parts[match[0]](), line)


if __name__ == "__main__":
    # What would be measured on, for reading.
    for sample in clean(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), None):
        print(f"## {sample.id} {sample.form}\n{sample.text}")
