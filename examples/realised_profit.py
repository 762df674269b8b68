"""What each symbol has earned since the start, with fees and funding in it."""

from decimal import Decimal

from rxbybit import Position, positions

began: dict[str, Decimal] = {}


def tell(position: Position) -> None:
    total = position.cumulative_realised_pnl
    if total is None:
        return
    earned = total - began.setdefault(position.symbol, total)
    way = "flat" if position.side is None else f"{position.side} {position.size}"
    print(f"{position.symbol:<10} {way:<14} earned {earned:+f}, open {position.unrealised_pnl}")


positions().subscribe(tell)
