"""`python -m gateway` is the command `onward`."""

from gateway.cli import main

main()
