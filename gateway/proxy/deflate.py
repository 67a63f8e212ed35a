"""WebSocket compression (RFC 7692) that writes no more at once than a message may hold.

wsproto decompresses whatever arrives in one go, so that 64 KiB become 64 MiB before anybody can look at the
size of the message.
"""

from __future__ import annotations

import zlib
from typing import override

from wsproto.extensions import PerMessageDeflate
from wsproto.frame_protocol import CloseReason, FrameDecoder, FrameProtocol


class BoundedDeflate(PerMessageDeflate):
    """As negotiated. What would come out beyond the limit is lost; the message is too large by then."""

    def __init__(self, negotiated: PerMessageDeflate, max_bytes: int) -> None:
        """More than `max_bytes` come out of a message that is larger, so that its size tells."""
        super().__init__(
            negotiated.client_no_context_takeover,
            negotiated.client_max_window_bits,
            negotiated.server_no_context_takeover,
            negotiated.server_max_window_bits,
        )
        self._max_bytes = max_bytes
        self._enabled = negotiated.enabled()
        self._is_cut = False

    @override
    def frame_inbound_payload_data(
        self, proto: FrameDecoder | FrameProtocol, data: bytes
    ) -> bytes | CloseReason:
        unpacker = self._decompressor
        if unpacker is None or not self._inbound_compressed or not self._inbound_is_compressible:
            return super().frame_inbound_payload_data(proto, data)
        if self._is_cut:
            return b""
        try:
            content = unpacker.decompress(bytes(data), self._max_bytes + 1)
        except zlib.error:
            return CloseReason.INVALID_FRAME_PAYLOAD_DATA
        self._is_cut = bool(unpacker.unconsumed_tail)
        return content

    @override
    def frame_inbound_complete(
        self, proto: FrameDecoder | FrameProtocol, fin: bool
    ) -> bytes | CloseReason | None:
        # The end would bring out all the rest.
        return b"" if self._is_cut else super().frame_inbound_complete(proto, fin)
