"""`python -m bench`: see `bench.proxy`."""

from bench.proxy import main

main()
