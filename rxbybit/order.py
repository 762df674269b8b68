"""Orders and stop orders, and the machine that tells them apart: one topic has both."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from rxbybit.events import Event, Side, utc
from rxbybit.present import Present
from rxbybit.schema.adoption import copied
from rxbybit.trading import (
    CancelType,
    CreateType,
    OrderStatus,
    OrderType,
    SelfMatch,
    StopOrderType,
    TimeInForce,
    TriggerBy,
)

__all__ = ["Order", "OrderItem", "OrderSplit", "StopOrder", "order_or_stop"]


class _OrderFields(Event, frozen=True, kw_only=True):
    """Quantities are in contracts of 1 USD (inverse) or in the base coin (linear, spot, option),
    prices in the quote currency.
    """

    category: str
    """``"inverse"``, ``"linear"``, ``"spot"`` or ``"option"``."""
    symbol: str
    order_id: str
    client_order_id: str | None = None
    """The id it was given by whoever placed it."""
    parent_client_order_id: str | None = None
    """That of the order it was made for."""
    block_trade_id: str | None = None
    side: Side | None = None
    type: OrderType | None = None
    """Of a stop order: what it is once it was triggered."""
    time_in_force: TimeInForce | None = None
    status: OrderStatus
    price: Decimal | None = None
    """0 of market orders of derivatives."""
    quantity: Decimal
    """Of spot market orders in the unit that ``market_unit`` says."""
    market_unit: str | None = None
    """Of spot market orders: ``"baseCoin"`` or ``"quoteCoin"``."""
    average_price: Decimal | None = None
    """Of what is filled."""
    last_fill_price: Decimal | None = None
    """Only the legacy wire has it."""
    leaves_quantity: Decimal | None = None
    """What may still be filled; ``None`` of options."""
    leaves_value: Decimal | None = None
    """In the base coin (inverse) or in the quote currency; ``None`` of options."""
    filled_quantity: Decimal | None = None
    filled_value: Decimal | None = None
    """In the base coin (inverse) or in the quote currency."""
    fee: Decimal | None = None
    """Of all fills; in the base coin (inverse), elsewhere ``fees`` counts."""
    fee_coin: str | None = None
    fees: tuple[tuple[str, Decimal], ...] | None = None
    """Coin and amount; ``None`` where the wire does not say (before September 2025)."""
    closed_pnl: Decimal | None = None
    """Profit of what it closed, in the settle coin."""
    position_index: int | None = None
    """0: one-way; in hedge mode 1 is the buy side, 2 the sell side."""
    is_leverage: bool | None = None
    """Whether it may borrow (spot)."""
    create_type: CreateType | None = None
    """Who made it; ``None`` of spot and options."""
    cancel_type: CancelType | None = None
    """Why it was cancelled; ``None`` when it was not."""
    reject_reason: str | None = None
    """The exchange's name of what was wrong, such as ``"EC_PostOnlyWillTakeLiquidity"``."""
    take_profit: Decimal | None = None
    """Trigger price; ``None`` where none is set."""
    stop_loss: Decimal | None = None
    """Trigger price; ``None`` where none is set."""
    trailing_stop: Decimal | None = None
    """Distance of the trailing stop that the position will have; ``None`` where none is set, and on
    V5, as for the next."""
    trailing_activation_price: Decimal | None = None
    """Price that activates it."""
    take_profit_trigger_by: TriggerBy | None = None
    stop_loss_trigger_by: TriggerBy | None = None
    take_profit_limit_price: Decimal | None = None
    """Of the limit order that the trigger makes; ``None`` where it makes a market order."""
    stop_loss_limit_price: Decimal | None = None
    """As ``take_profit_limit_price``."""
    take_profit_mode: str | None = None
    """``"Full"``: of the whole position; ``"Partial"``: of this order. Of the stop-loss, too."""
    oco_trigger_by: str | None = None
    """Of spot, which of the two was triggered: ``"OcoTriggerByTp"``, ``"OcoTriggerBySl"``."""
    reduce_only: bool | None = None
    close_on_trigger: bool | None = None
    """Whether it closes a position in any case, for which other orders may be cancelled."""
    price_on_created: Decimal | None = None
    """Last price when it was placed."""
    volatility: Decimal | None = None
    """Of options: implied volatility that it asks for, a ratio (0.5 = 50 %)."""
    place_type: str | None = None
    """Of options: ``"iv"`` or ``"price"``, which of the two it was placed by."""
    slippage_tolerance_type: str | None = None
    """Of market orders: ``"TickSize"`` or ``"Percent"``, the unit of the next."""
    slippage_tolerance: Decimal | None = None
    self_match: SelfMatch | None = None
    """What happens if it meets an order of one's own; ``None`` for nothing."""
    self_match_group: int | None = None
    self_match_order_id: str | None = None
    """The order that it met."""
    rpi_taker_access: bool | None = None
    """Whether it may take retail price improvement orders."""
    rpi_matched_quantity: Decimal | None = None
    """How much it was filled by such orders."""
    broker_order_price: Decimal | None = None
    """Of liquidity providers in the EU."""
    created_ms: int | None = None
    """When it was placed, in milliseconds."""
    updated_ms: int | None = None
    """When it changed, in milliseconds."""

    created = utc[datetime | None]("created_ms")
    updated = utc[datetime | None]("updated_ms")


class Order(_OrderFields, frozen=True, kw_only=True):
    """An order as it stands: one that is no stop order, or a stop order that was triggered."""


class StopOrder(_OrderFields, frozen=True, kw_only=True):
    """A stop order as it stands, before and after its trigger."""

    stop_order_type: StopOrderType
    trigger_price: Decimal | None = None
    """Of trailing stops the price that activates them."""
    trigger_by: TriggerBy | None = None
    """Which price triggers."""
    trigger_direction: int | None = None
    """1: when the price rises to ``trigger_price``; 2: when it falls to it."""


class OrderItem(_OrderFields, frozen=True, kw_only=True):
    """What an item of the topic says, of whichever kind."""

    stop_order_type: StopOrderType | None = None
    trigger_price: Decimal | None = None
    trigger_by: TriggerBy | None = None
    trigger_direction: int | None = None


_WAITING = (OrderStatus.UNTRIGGERED, OrderStatus.TRIGGERED, OrderStatus.DEACTIVATED)
# What no stop order is before its trigger.
_BEHIND = (
    OrderStatus.TRIGGERED,
    OrderStatus.NEW,
    OrderStatus.PARTIALLY_FILLED,
    OrderStatus.FILLED,
    OrderStatus.PARTIALLY_FILLED_CANCELLED,
)
# Ids whose end was missed, in an outage, would be kept for ever.
_HELD = 10_000


class OrderSplit(Present[OrderItem]):
    """What items of the topic are to those who hear orders, and to those who hear stop orders.

    A stop order is both once it was triggered. One that is cancelled or rejected may have been
    triggered before or not, which its item does not say: ``apply`` remembers those that were.
    An order id that was never seen to be triggered is none of ``orders()``.
    """

    def __init__(self) -> None:
        super().__init__(lambda item: item.order_id, _over)
        self._triggered: dict[str, None] = {}
        self.order: Order | None = None
        """The item as an order; ``None`` for a stop order that was not triggered, and for what
        says nothing new."""
        self.stop_order: StopOrder | None = None
        """The item as a stop order; ``None`` when it is none, and for what says nothing new."""

    def apply(self, event: OrderItem) -> None:
        """Takes in the next item of the topic."""
        super().apply(event)
        self.order = self.stop_order = None
        if self.news is not None:
            self._note_trigger(event)
            self.order, self.stop_order = self._as_order(event), _as_stop_order(event)
            if event.status.closed:
                self._triggered.pop(event.order_id, None)

    @property
    def orders(self) -> tuple[Order, ...]:
        """Those that are open."""
        return tuple(o for item in self.held if (o := self._as_order(item)) is not None)

    @property
    def stop_orders(self) -> tuple[StopOrder, ...]:
        """Those that are open."""
        return tuple(o for item in self.held if (o := _as_stop_order(item)) is not None)

    def _note_trigger(self, item: OrderItem) -> None:
        known = self._triggered
        if item.stop_order_type is not None and (item.status in _BEHIND or item.filled_quantity):
            known.pop(item.order_id, None)
            if len(known) >= _HELD:
                del known[next(iter(known))]
            known[item.order_id] = None

    def _as_order(self, item: OrderItem) -> Order | None:
        if item.status in _WAITING:
            return None
        plain = item.stop_order_type is None
        return copied(item, Order) if plain or item.order_id in self._triggered else None


def _over(item: OrderItem) -> bool:
    """Whether nothing more comes of it on its topic.

    On the legacy wire a stop order that was triggered (``Active`` there) goes on as an order.
    """
    triggered = item.meta.topic == "stop_order" and item.status == OrderStatus.NEW
    return triggered or item.status.closed


def _as_stop_order(item: OrderItem) -> StopOrder | None:
    return None if item.stop_order_type is None else copied(item, StopOrder)


def order_or_stop(item: OrderItem) -> Order | StopOrder:
    """The one event that ``item`` is where nothing is remembered: by its stop type alone."""
    return copied(item, Order if item.stop_order_type is None else StopOrder)
