"""What can be traded, and by which steps."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from rxbybit.config import Category
from rxbybit.events import Event, OpenEnum, utc

__all__ = ["ContractType", "Instrument", "InstrumentStatus"]


class ContractType(OpenEnum):
    """Kinds of contracts (V5 manual, "Enums Definitions": contractType)."""

    INVERSE_PERPETUAL = "InversePerpetual"
    INVERSE_FUTURES = "InverseFutures"
    LINEAR_PERPETUAL = "LinearPerpetual"
    LINEAR_FUTURES = "LinearFutures"


class InstrumentStatus(OpenEnum):
    """Whether an instrument is traded (V5 manual, "Enums Definitions": status)."""

    PRE_LAUNCH = "PreLaunch"
    TRADING = "Trading"
    DELIVERING = "Delivering"
    CLOSED = "Closed"


class Instrument(Event, frozen=True, kw_only=True):
    """What can be traded: its names, its steps and limits. What a category lacks is ``None``."""

    category: Category
    symbol: str
    symbol_id: int | None = None
    contract_type: ContractType | None = None
    """Of inverse and linear: also tells ``BTCUSDZ26``, a dated contract, from a perpetual."""
    option_type: str | None = None
    """``"Call"`` or ``"Put"``."""
    status: InstrumentStatus
    base_coin: str
    quote_coin: str
    settle_coin: str | None = None
    symbol_type: str | None = None
    """The exchange's own grouping, such as ``"innovation"``, ``"stock"``, ``"commodity"``."""
    display_name: str | None = None

    tick_size: Decimal
    """Prices are multiples of it."""
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    price_scale: int | None = None
    """How many decimals prices are shown with."""

    quantity_step: Decimal
    """Quantities are multiples of it: contracts of 1 USD (inverse), else the base coin."""
    min_quantity: Decimal
    max_quantity: Decimal
    """Of one order: of a limit order, where ``max_market_quantity`` says something else."""
    max_market_quantity: Decimal | None = None
    max_limit_quantity: Decimal | None = None
    """Of spot."""
    max_post_only_quantity: Decimal | None = None
    min_notional: Decimal | None = None
    """Least value of an order, in the quote coin (linear, spot)."""
    max_notional: Decimal | None = None
    """Of spot, in the quote coin."""
    quote_step: Decimal | None = None
    """Of spot: amounts in the quote coin are multiples of it."""

    min_leverage: Decimal | None = None
    max_leverage: Decimal | None = None
    leverage_step: Decimal | None = None
    funding_interval_minutes: int | None = None
    """0 for a dated contract."""
    max_funding_rate: Decimal | None = None
    min_funding_rate: Decimal | None = None
    price_limit_ratio_x: Decimal | None = None
    """How far a limit price may be from the mark price, see the manual's "risk parameters"."""
    price_limit_ratio_y: Decimal | None = None

    launch_ms: int | None = None
    """When trading began, in milliseconds."""
    delivery_ms: int | None = None
    """When a dated contract or an option is settled, in milliseconds."""
    delivery_fee_rate: Decimal | None = None

    unified_margin: bool | None = None
    """Whether unified accounts trade it."""
    margin_trading: str | None = None
    """Of spot: ``"none"``, ``"both"``, ``"utaOnly"`` or ``"normalSpotOnly"``."""
    copy_trading: str | None = None
    """``"none"``, ``"both"``, ``"utaOnly"`` or ``"normalOnly"``."""
    forbids_withdrawal: bool | None = None
    """Whether an unrealised profit in it may not be withdrawn."""
    is_innovation: bool | None = None
    """Of spot: whether it is in the innovation zone."""
    is_special_treatment: bool | None = None
    """Of spot: whether the exchange warns of it."""
    token_multiplier: Decimal | None = None
    """Of spot: shares of a stock that one token stands for."""
    is_pre_listing: bool | None = None
    auction_phase: str | None = None
    """Of a pre-listing: ``"NotStarted"``, ``"CallAuction"``, ``"ContinuousTrading"``, ..."""

    launch = utc[datetime | None]("launch_ms")
    delivery = utc[datetime | None]("delivery_ms")
