"""Other tools behind one interface: lines {"id","text"} in, lines {"id","findings"} out, like `onward scan --jsonl`.

Each file runs in an environment of its own that has that tool and nothing of this project. The first line out says what
runs: {"tool": "name version, how it is set"}. A tool that cannot start ends with a message on standard error.
"""
