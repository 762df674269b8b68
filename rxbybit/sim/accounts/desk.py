"""The desk: takes the orders of accounts to the market, and books what becomes of them.

They meet the crowd's in the same book, by price and time, and what they trade is on the tape like
any other trade. An account that takes its own order trades with itself, and pays for both sides.
"""

from __future__ import annotations

import random

from rxbybit.sim.accounts.account import Account, usd
from rxbybit.sim.accounts.aftermath import end_of_trading, pay_funding, trim
from rxbybit.sim.accounts.items import Booked, execution_item
from rxbybit.sim.accounts.keys import ApiKey
from rxbybit.sim.accounts.money import LEVERAGE, MAKER, TAKER, fee_of, rounded, value_of
from rxbybit.sim.accounts.news import Newsroom
from rxbybit.sim.accounts.order import CLOSED, Order
from rxbybit.sim.accounts.stand import Stand
from rxbybit.sim.market.feeds import Push
from rxbybit.sim.market.instruments import Instrument
from rxbybit.sim.market.market import Market
from rxbybit.sim.market.matching import Fill, Side
from rxbybit.sim.market.pit import Pit

__all__ = ["Desk"]

_FIRST_NUMBER = 1_000_001


class Desk:
    """Where every account of an exchange trades; it watches the pits of ``market``."""

    def __init__(self, market: Market, seed: int = 0) -> None:
        self.market = market
        self.news = Newsroom(market)
        self.accounts: dict[str, Account] = {}
        """By API key."""
        self._random = random.Random(f"{seed}/desk")
        self._stands: dict[Pit, Stand] = {}
        self._taker: tuple[Account, Order] | None = None
        market.watcher = self
        for pit in market.pits.values():
            pit.watcher = self

    def open_account(self, key: ApiKey) -> Account:
        """Errors: ``ValueError`` for a key that there is already."""
        if key.key in self.accounts:
            raise ValueError(f"there is an account with the key {key.key[:4]}... already")
        account = Account(key, _FIRST_NUMBER + len(self.accounts))
        return self.accounts.setdefault(key.key, account)

    def ident(self) -> str:
        """A new id in the shape of a UUID."""
        text = f"{self._random.getrandbits(128):032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def stand(self, instrument: Instrument) -> Stand:
        """What accounts have in one book. It trades now."""
        pit = self.market.pits[instrument.category, instrument.symbol]
        return self._stands.setdefault(pit, Stand(pit, len(pit.marks.paid)))

    def settle(self, instrument: Instrument) -> list[Push]:
        """The public frames that follow at once from what has been done."""
        now = self.market.now_ms
        pit = self.stand(instrument).pit
        category = instrument.category
        return [Push(now, category, content["topic"], content) for content in pit.settle(now)]

    def affords(self, account: Account, order: Order, price: int, lots: int) -> bool:
        """Whether the margin is there for what of it would open or extend a position.

        What is reserved for the order itself already counts as free.
        """
        held = account.held(order.instrument)
        against = held if order.side == "Sell" else -held
        opening = lots - min(max(against, 0), lots)
        if not opening or order.reduce_only:
            return True
        value = value_of(order.instrument, price, opening)
        needed = rounded(value, LEVERAGE) + fee_of(value, TAKER)
        if order.number is not None:
            needed -= rounded(order.left_value, LEVERAGE)
        needed = usd(self.market, order.instrument.settle, needed)
        return needed <= account.worth(self.market).available

    def reducible(self, account: Account, order: Order) -> int:
        """How many lots it may still close, other orders of the kind considered."""
        held = account.held(order.instrument)
        against = held if order.side == "Sell" else -held
        taken = sum(
            one.left
            for one in account.resting(order.instrument)
            if one.reduce_only and one.side == order.side and one is not order
        )
        return max(against - taken, 0)

    def enter(self, account: Account, order: Order) -> None:
        """Take in a new order."""
        account.enter(order)
        if order.is_stop:
            order.status = "Untriggered"
            self.stand(order.instrument).stops[order.order_id] = account, order
        else:
            self._submit(account, order)
        self.note(account, order)

    def amend(
        self, account: Account, order: Order, *, lots: int, price: int, trigger: int | None
    ) -> None:
        """Change an open order: one that only becomes smaller keeps its place in the book."""
        stand = self.stand(order.instrument)
        now, fewer = self.market.now_ms, order.lots - lots
        order.trigger, order.updated_ms = trigger, now
        if order.number is None:
            order.lots, order.price = lots, price
        elif price == order.price and fewer >= 0:
            if fewer:
                stand.pit.book.reduce(order.number, fewer)
                order.lots = lots
        else:
            stand.pit.book.cancel(order.number)
            del stand.resting[order.number]
            order.number, order.lots, order.price = None, lots, price
            self._submit(account, order)
        self.note(account, order)

    def cancel(self, account: Account, order: Order, kind: str = "CancelByUser") -> None:
        """Take an open order away; one that waits for its trigger is deactivated."""
        stand = self.stand(order.instrument)
        stand.forget(order)
        if order.number is not None:
            stand.pit.book.cancel(order.number)
        reject = "EC_PerCancelRequest" if kind == "CancelByUser" else ""
        status = "Deactivated" if order.waits else "Cancelled"
        order.close(status, self.market.now_ms, cancel=kind, reject=reject)
        self.note(account, order)

    def note(self, account: Account, order: Order) -> None:
        """There is something new about an order; its position is told of too."""
        if order.status in CLOSED and order.order_id in account.open:
            account.closed.append(account.open.pop(order.order_id))
        news = self.news.of(account)
        news.orders[order] = None
        news.positions[account.position(order.instrument, self.market.now_ms)] = None

    def traded(self, pit: Pit, side: Side, fills: list[Fill]) -> None:
        """Book what was traded with an order of an account."""
        stand, taker = self._stands.get(pit), self._taker
        if stand is None or not (stand.resting or taker):
            return
        first = pit.tape.count - len(fills) + 1
        for number, fill in enumerate(fills, first):
            maker = stand.resting.get(fill.maker)
            ident = pit.tape.ident(number)
            if taker is not None:
                self._book(*taker, pit, fill, ident, is_maker=False)
            if maker is not None:
                both = taker is not None and taker[0] is maker[0]
                self._book(*maker, pit, fill, self.ident() if both else ident, is_maker=True)
                if maker[1].status in CLOSED:
                    stand.forget(maker[1])
                    maker[1].number = None
                self.note(*maker)

    def settled(self, pit: Pit, ms: int) -> None:
        """What follows for accounts from what has happened in a pit, until nothing follows."""
        stand = self._stands.get(pit)
        if stand is None:
            return
        if pit.closed:
            end_of_trading(self, stand)
            del self._stands[pit]
        else:
            pay_funding(self, stand)
            trim(self, stand)
            while due := stand.next_due():
                self._trigger(stand, *due)
                trim(self, stand)
        self.news.publish()

    def _trigger(self, stand: Stand, account: Account, order: Order) -> None:
        """Its price has come: it is told as triggered, and then as what becomes of it."""
        stand.forget(order)
        order.status, order.updated_ms = "Triggered", self.market.now_ms
        self.note(account, order)
        self.news.publish()
        order.reduce_only = order.reduce_only or order.close_on_trigger
        price = order.price or stand.worst(order.side)
        if self.affords(account, order, price, order.lots):
            self._submit(account, order)
            self.news.of(account).triggered.add(order)
        else:
            order.close("Rejected", self.market.now_ms, reject="EC_CannotAffordOrderCost")
        self.note(account, order)

    def _submit(self, account: Account, order: Order) -> None:
        """Into the book: what can trade does so at once, what is left rests if it may."""
        stand, now = self.stand(order.instrument), self.market.now_ms
        order.updated_ms = now
        if order.reduce_only:
            room = self.reducible(account, order)
            if not room:
                order.close("Cancelled", now, cancel="CancelByReduceOnly")
                return
            order.lots = order.filled + min(order.left, room)
        if order.kind == "Market":
            order.price = stand.worst(order.side)
        reach = stand.pit.book.reach(order.side, order.price, order.left)
        if order.tif == "PostOnly" and reach:
            order.close("Cancelled", now, reject="EC_PostOnlyWillTakeLiquidity")
            return
        if order.tif == "FOK" and reach < order.left:
            order.close("Cancelled", now, reject="EC_NoImmediateQtyToFill")
            return
        order.status = "PartiallyFilled" if order.filled else "New"
        self._taker = account, order
        number = stand.pit.place(now, order.side, order.price, order.left)
        self._taker = None
        if order.left and order.tif in ("GTC", "PostOnly"):
            order.number = number
            stand.resting[number] = account, order
        elif order.left:
            stand.pit.book.cancel(number)
            order.close("Cancelled", now, reject="EC_NoImmediateQtyToFill")

    def _book(
        self, account: Account, order: Order, pit: Pit, fill: Fill, ident: str, *, is_maker: bool
    ) -> None:
        """One fill of one order."""
        now, one = self.market.now_ms, pit.instrument
        rate = MAKER if is_maker else TAKER
        value = value_of(one, fill.price, fill.lots)
        fee = fee_of(value, rate)
        position = account.position(one, now)
        closed = position.fill(order.side, fill.lots, value, now)
        position.seq = pit.book.seq
        account.pay(position, pnl=closed.pnl, fee=fee)
        order.filled += fill.lots
        order.last_fill = fill.price
        order.value += value
        order.fee += fee
        order.pnl += closed.pnl
        order.status = "Filled" if order.filled == order.lots else "PartiallyFilled"
        order.updated_ms = now
        booked = Booked(
            ident=ident,
            price=fill.price,
            lots=fill.lots,
            value=value,
            fee=fee,
            rate=rate,
            closed=closed,
            is_maker=is_maker,
            ms=now,
        )
        item = execution_item(order, pit, booked)
        account.execute(item)
        news = self.news.of(account)
        news.executions.append(item)
        news.coins.add(one.settle)
