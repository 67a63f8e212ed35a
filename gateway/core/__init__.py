"""The pure core: standard library only; no clock, network, file, log or random number.

Everything here is a function from frozen values to frozen values, so that a decision can be taken again,
years later, from what the ledger kept.
"""
