"""The withdrawn wire: the inverse websocket of the generation before V5, at ``/realtime``.

Written from the official manual of that generation (``bybit-exchange/docs-legacy``, futuresV2
inverse perpetual, "websockets"), and from captures. The market is the one that V5 has.
"""
