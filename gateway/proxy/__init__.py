"""The mitmproxy front: turns wire traffic into Transfers and Verdicts back into wire traffic, and nothing else.

The only package that imports mitmproxy. Two locks stand before every byte that would leave:

 * `front` answers each request with a refusal first, and takes it back only after a recorded verdict.
 * `layers` opens no connection for a request, and passes no WebSocket message, that the front has not cleared.

Either alone holds when the other fails.
"""
