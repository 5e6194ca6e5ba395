"""Long lists on their way out: piece by piece, so that they are never in memory as a whole.

How a piece looks is said in body.py; which answers are streamed, too. Here is the socket's side.
"""

import logging
from collections.abc import AsyncIterator, Mapping

from aiohttp import web

from broker.clock import Clock
from mgmt_ui.answer import Stream

logger = logging.getLogger("leveret.http")

# A client that takes nothing for so long (seconds) is gone, whatever its socket says.
PATIENCE = 30.0


async def stream(pieces: AsyncIterator[bytes], clock: Clock, headers: Mapping[str, str]) -> Stream:
    """The answer of these pieces, with these headers beside those of all answers.

    The first piece is made before anything is sent: what it raises can still be answered.
    """
    first = await anext(pieces)

    async def serve(request: web.Request, general: Mapping[str, str]) -> web.StreamResponse:
        response = web.StreamResponse(headers={**general, **headers})
        response.enable_compression()
        await response.prepare(request)
        try:
            await _write(request, response, clock, first)
            async for piece in pieces:
                await _write(request, response, clock, piece)
            await response.write_eof()
        except ConnectionError:
            pass  # the client has seen enough
        except Exception as error:
            # The status is out: only an end in the middle says that something is wrong.
            logger.error("%s %s: internal error", request.method, request.path, exc_info=error)
            _cut(request)
        return response

    return Stream(serve)


async def _write(
    request: web.Request, response: web.StreamResponse, clock: Clock, piece: bytes
) -> None:
    timer = clock.call_later(PATIENCE, _cut, request)
    try:
        await response.write(piece)
    finally:
        timer.cancel()


def _cut(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
